"""Sides of a benchmark, measured in turns, each time in a process of its own.

On one thread of one core it is that thread's processor time that counts, which a busy machine
falsifies least. A process prints what it found as JSON, on its last line.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

PEER = Path(".venv-peers/bin/python")
SECONDS = 20.0  # of steps of each case
Rounds = list[dict[str, Any]]  # of each round, by side, what its process found


def need_peer(script: str) -> None:
    if not PEER.exists():
        raise SystemExit(f"no {PEER}: see the top of {script}")


def arguments(script: str, cases: Collection[str], default: list[str]) -> argparse.Namespace:
    """What a benchmark of cases in several precisions is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=default, choices=cases)
    parser.add_argument("--precisions", nargs="+", default=["float32", "mixed_bfloat16"])
    asked = parser.parse_args()
    need_peer(script)
    return asked


def rounds(number: int, sides: dict[str, list[str]], *asked: str, **how: Any) -> Rounds:
    """Let each side, a command, answer in turn. Args: asked and how, as of `answer`."""
    return [
        {side: answer(command, *asked, **how) for side, command in sides.items()}
        for _ in range(number)
    ]


def answer(command: list[str], *asked: str, threads: int = 1, pinned: bool = True) -> Any:
    """What a side finds. Args: asked, the arguments of its `--side`; pinned, to one core."""
    paths = os.pathsep.join([".", os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*command, "--side", *asked],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        preexec_fn=pin if pinned else None,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": paths},
    )
    return json.loads(done.stdout.splitlines()[-1])


def pin() -> None:
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])


def start(main: Callable[[], None], side: Callable[[], None]) -> None:
    """Run a side on one thread if the command line asks for one, else the benchmark."""
    if "--side" in sys.argv:
        one_thread()
        side()
    else:
        main()


def side_arguments() -> list[str]:
    """What a side is asked for on the command line."""
    return sys.argv[sys.argv.index("--side") + 1 :]


def one_thread() -> None:
    """Let TensorFlow use no other thread than the one that counts."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)


def seconds_a_step(step: Callable[[], object], warm_up: int, seconds: float) -> float:
    """The median processor time of a step after the first few, of so many seconds in all."""
    for _ in range(warm_up):
        step()
    times, end = [], time.process_time() + seconds
    while len(times) < 3 or time.process_time() < end:
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return statistics.median(times)


def throughput(make_step: Callable, cases: dict[str, dict], amount: Callable[[dict], int]) -> None:
    """Measure the cases named on the command line, and print how much each does in a second.

    Args: make_step, (precision, **case) -> a function that takes a step; amount, what a step of a
        case does.
    """
    precision, *asked = side_arguments()
    found = {}
    for case in asked:
        step = make_step(precision, **cases[case])
        found[case] = amount(cases[case]) / seconds_a_step(step, 2, SECONDS)
    print(json.dumps(found))


def compare(sides: dict[str, list[str]], asked: argparse.Namespace, decimals: int = 0) -> None:
    """Print a row for each precision and case: what either of two sides does in a second, and the
    first of them divided by the second.
    """
    for precision in asked.precisions:
        found = rounds(asked.rounds, sides, precision, *asked.cases)
        for case in asked.cases:
            own, peer = ([each[side][case] for each in found] for side in sides)
            cells = " | ".join(f"{statistics.median(some):,.{decimals}f}" for some in (own, peer))
            ratios = [a / b for a, b in zip(own, peer, strict=True)]
            print(f"| {case} | {precision} | {cells} | {spread(ratios)} |", flush=True)


def spread(ratios: list[float]) -> str:
    """The ratios of all rounds in a table."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
