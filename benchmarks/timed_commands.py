"""Whole commands that prepare the same corpus, timed in turns."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import corpus

VOCABULARY = corpus.DATA / "bert_assets/bert-base-uncased-vocab.txt"
Cost = tuple[float, float, float]  # see `timed`


def preparations(
    recipe: str, megabytes: float, rounds: int, peers: Callable[..., dict[str, list]]
) -> tuple[float, dict[str, list[Cost]]]:
    """Megabytes of text, and by side, `textmill prepare` first, what each run took.

    Args: recipe, with places for {folder}, {output} and {vocabulary}; peers, (folder, recipe file,
        vocabulary file, output folder) -> a command by name.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder, output = Path(temporary, "corpus"), Path(temporary, "output")
        size = sum(path.stat().st_size for path in corpus.make(folder, megabytes, 4)) / 1e6
        file, vocabulary = Path(temporary, "recipe.yaml"), VOCABULARY.resolve()
        file.write_text(recipe.format(folder=folder, output=output, vocabulary=vocabulary))
        own = [Path(sys.executable).with_name("textmill"), "prepare", file]
        sides = {"textmill prepare": own, **peers(folder, file, vocabulary, output)}
        runs = in_turns(sides, rounds, output)
    print(f"\n{size:.0f} MB, median of {rounds} runs; the load was {os.getloadavg()[0]:.1f}")
    return size, runs


def in_turns(sides: dict[str, list], rounds: int, output: Path) -> dict[str, list[Cost]]:
    """By side, what each run of its command took. Args: output, a folder that each run makes."""
    runs: dict[str, list[Cost]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, command in sides.items():
            runs[name].append(timed([str(part) for part in command]))
            print(f"{name}: %.1f s, processors %.1f s, %.0f MB" % runs[name][-1], flush=True)
            shutil.rmtree(output)
    return runs


def timed(command: list[str]) -> Cost:
    """Seconds by the clock; those of the processors over all of the command's processes; and the
    megabytes of memory that the largest of these had at most.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.getcwd()}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{command} failed:\n{output.read().decode()[-3000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3
