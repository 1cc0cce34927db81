"""Everything a training job needs to go on as if it had never stopped, as directories on disk.

A checkpoint is published whole or not at all, with checksums, so that one that was damaged later is
recognised and the one before is used.
"""

import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from pipeline import artifacts
from pipeline.errors import JobError

NAME = re.compile(r"step-(\d{8,})")
log = logging.getLogger("textmill")


def arrays(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The values of variables, by name."""
    return {name: np.asarray(v.numpy(), order="C") for name, v in variables.items()}


def assign(variables: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> None:
    """Give every variable its value.

    Raises:
        JobError: a variable has no value, or one of another shape.
    """
    for name, variable in variables.items():
        got = values[name].shape if name in values else "none"
        if got != tuple(variable.shape):
            raise JobError(
                f"the saved weights do not fit the model: {name} has shape {tuple(variable.shape)},"
                f" saved is {got}; they were saved by another recipe or version"
            )
        variable.assign(values[name])


def by_path(variables: list[Any]) -> dict[str, Any]:
    """Variables by their Keras path, which must tell them apart."""
    named = {variable.path: variable for variable in variables}
    assert len(named) == len(variables), "two variables share a path: name their layers"
    return named


class Checkpoints:
    """The checkpoints of one job, oldest first in `step-0000000N` directories.

    Args: folder; keep, how many of the newest stay. The best one stays besides.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self.keep = folder, keep

    def directory(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}"

    def steps(self) -> list[int]:
        """Of all checkpoints; what else lies in the folder is not ours."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        names = [NAME.fullmatch(path.name) for path in found if path.is_dir()]
        return sorted(int(name[1]) for name in names if name)

    def save(self, step: int, variables: Mapping[str, Any], state: dict, best: int | None) -> None:
        """Write a checkpoint, then delete those that are neither new nor the best."""
        # The job holds the lock of its run.
        with artifacts.whole(self.directory(step), f"step {step}", {}) as folder:
            save_file(arrays(variables), folder / "variables.safetensors")
            artifacts.write_json(folder / "state.json", state)
        for old in self.steps()[: -self.keep]:
            if old != best:
                shutil.rmtree(self.directory(old))

    def restore(self, step: int, variables: Mapping[str, Any]) -> dict:
        """Assign the variables and return the state that was saved with them.

        Raises:
            JobError: the checkpoint is damaged, or is of another model.
        """
        artifacts.check(self.directory(step))
        values = load_file(self.directory(step) / "variables.safetensors")
        assign(variables, values)
        return artifacts.read_json(self.directory(step) / "state.json")

    def newest(self) -> int | None:
        """The newest checkpoint that is whole; damaged ones after it are deleted with a warning."""
        for step in reversed(self.steps()):
            try:
                artifacts.check(self.directory(step))
            except JobError as error:
                log.warning(
                    "checkpoint of step %d is damaged, using the one before: %s", step, error
                )
                # Of a cluster the others may have been faster.
                shutil.rmtree(self.directory(step), ignore_errors=True)
            else:
                return step
        return None
