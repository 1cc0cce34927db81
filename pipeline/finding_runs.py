"""Trained runs by their folder, or by their name: then it is the newest one that has finished."""

import functools
import logging
import re
from pathlib import Path

from configs import loading
from configs.recipe import Recipe
from pipeline import artifacts
from pipeline.errors import JobError

TRAINING, WEIGHTS = "training", "weights.safetensors"  # the published stage in a run's folder
THRESHOLDS = "thresholds.json"  # in an export whose model gives several labels
SHOWN = 10  # folders in an error

log = logging.getLogger("textmill")


def find(path: str | Path) -> Path:
    """The folder of a finished run.

    Args: path, the folder itself, or without the 8 hexadecimal digits and the dash before them.

    Raises:
        JobError: there is none.
    """
    if (run := found(path)) is not None:
        return run
    path = Path(path)
    if path.is_dir():
        raise JobError(
            f"{path} is no run that has finished training: it holds no"
            f" {TRAINING}/{artifacts.MANIFEST}; name the folder of a run, work/runs/NAME-XXXXXXXX"
        )
    beside = sorted(p.name for p in path.parent.glob("*") if p.is_dir())
    there = ", ".join(beside[:SHOWN]) + (", ..." if len(beside) > SHOWN else "")
    raise JobError(
        f"there is no trained run {path}: name a run's folder, or the folder without its last"
        f" -XXXXXXXX for the newest finished one; {path.parent} has {there or 'no folders'}"
    )


def found(path: str | Path) -> Path | None:
    """The same, or None."""
    path = Path(path)
    if _published(path).is_file():
        return path
    if path.exists() or not path.name:
        return None
    digits = re.compile(re.escape(path.name) + "-[0-9a-f]{8}")
    named = [run for run in path.parent.glob("*") if digits.fullmatch(run.name)]
    runs = [run for run in named if _published(run).is_file()]
    if not runs:
        return None
    # By name, where two finished within one tick of the file system's clock.
    newest = max(runs, key=lambda run: (_published(run).stat().st_mtime_ns, run.name))
    _tell(path, newest, len(runs))
    return newest


def recipe(path: str | Path) -> Recipe:
    """The recipe that a run was trained by; the run as `find` takes it."""
    return loading.load(find(path) / TRAINING / "recipe.yaml")


def prepared(run: Path) -> Path:
    """The prepared data that a finished run learned from.

    Raises:
        JobError: it is no longer there, or its words or labels have changed since.
    """
    said = Path(artifacts.manifest(run / TRAINING)["prepared"])
    # The manifest has the path as it was seen from where the job was started.
    for folder in (said, run.parent.parent / "prepared" / said.name):
        if (folder / artifacts.MANIFEST).is_file():
            artifacts.check(folder, "tokenizer/", "labels.json")
            return folder
    raise JobError(
        f"the prepared data of {run} is not in {said}: run `textmill prepare` on its recipe,"
        f" {run / TRAINING / 'recipe.yaml'}"
    )


@functools.cache
def _tell(path: Path, newest: Path, number: int) -> None:
    """Once, however often a job looks."""
    log.info("%s: the newest of %d finished run(s) is %s", path, number, newest)


def _published(run: Path) -> Path:
    return run / TRAINING / artifacts.MANIFEST
