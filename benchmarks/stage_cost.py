"""Seconds and peak memory of each stage of the sample recipe, and the time of `textmill --help`.

    python benchmarks/stage_cost.py

Each stage is a process of its own that finds the stages before it done, so the import of
TensorFlow, some 5 s and 600 MiB, is in every row but the last.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXTMILL = Path(sys.executable).with_name("textmill")
RECIPE = "configs/classify/banking77_text_cnn.yaml"


def cost(*arguments: str) -> tuple[float, float]:
    """Seconds by the clock, and MiB of the largest process at its largest."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [TEXTMILL, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"textmill {' '.join(arguments)}: exit status {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    print("| command | seconds | peak MiB |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        for stage in ("prepare", "train", "evaluate", "export"):
            seconds, peak = cost(stage, RECIPE, "--set", f"work={work}")
            print(f"| `textmill {stage}` | {seconds:.1f} | {peak:.0f} |", flush=True)
        export = f"{work}/models/banking77-text-cnn/1"
        for name, arguments in (
            ("verify", [export]),
            ("predict", [export, "--input", "samples/banking77/test.csv", "--output", f"{work}/p"]),
        ):
            seconds, peak = cost(name, *arguments)
            print(f"| `textmill {name}` | {seconds:.1f} | {peak:.0f} |", flush=True)
    runs = [cost("--help") for _ in range(11)]
    seconds, peak = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"| `textmill --help`, median of 11 | {seconds:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
