"""The most resident memory that `textmill prepare` needs for a large corpus.

    python benchmarks/prepare_memory.py [--megabytes 2000] [--files 4] [--pretrain]

Film reviews and novels, repeated, as JSONL; a WordPiece vocabulary learned from them. They are
prepared to be classified, or as pairs of texts for a masked language model. What is printed is the
highest sum, over time, of the resident memory of the command's processes, looked at ten times a
second.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import corpus
import psutil

RECIPE = """
name: prepare-memory
work: {output}
data: {{train: "{folder}/*.jsonl", valid: 0.05}}
text: {{tokenizer: {{kind: wordpiece, size: 30000}}}}
task: {{kind: {task}}}
model: {{kind: {model}}}
"""
KINDS = {False: ("classify", "text_cnn"), True: ("masked_language_model", "bert")}


def resident(process: psutil.Process) -> int:
    """Bytes of a process and all that it started."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=2000)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--pretrain", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, recipe = Path(temporary, "corpus"), Path(temporary, "recipe.yaml")
        paths = corpus.make(folder, arguments.megabytes, arguments.files)
        size = sum(path.stat().st_size for path in paths) / 1e6
        task, model = KINDS[arguments.pretrain]
        filled = {"folder": folder, "output": Path(temporary, "output")}
        recipe.write_text(RECIPE.format(**filled, task=task, model=model))
        command = [str(Path(sys.executable).with_name("textmill")), "prepare", str(recipe)]
        start, most = time.monotonic(), 0
        process = psutil.Popen(command)
        try:
            while process.poll() is None:
                most = max(most, resident(process))
                time.sleep(0.1)
        except psutil.NoSuchProcess:
            process.wait()
        seconds = time.monotonic() - start
    if process.returncode:
        raise SystemExit(f"{command} failed with {process.returncode}")
    print(
        f"{size:.0f} MB in {arguments.files} files: {most / 1e6:.0f} MB resident at most,"
        f" {seconds:.0f} s, {size / seconds:.1f} MB/s"
    )


if __name__ == "__main__":
    main()
