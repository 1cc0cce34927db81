"""Where examples come from: an example's `origin` is the number of its file and its line in it.

The manifest of prepared data names the files. For tables the line is the row, for SQuAD's files the
question, from 1.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import artifacts
from pipeline.prepare.examples import Feature, integers

FEATURE = "origin"
FILES = "input_files"  # in the manifest, in the order of their numbers, as the recipe names them


def feature(unit: int, lines: Iterable[int]) -> Feature:
    """Of a batch of examples from one file."""
    origins = np.array([(unit, line) for line in lines])
    return integers(FEATURE, origins.ravel(), np.full(len(origins), 2))


@dataclass(frozen=True)
class Origins:
    """`places` (N, 2) has the file of each example, by its place in `files`, and its line.

    There are none where prepared data does not tell: that of earlier versions, and examples that
    are drawn.
    """

    files: Sequence[str] = ()
    places: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int32))

    def of(self, row: int) -> dict[str, Any]:
        """{"file", "line"} of an example, or nothing where that is not known."""
        if not len(self.places):
            return {}
        file, line = self.places[row].tolist()
        return {"file": self.files[file], "line": line}

    def columns(self) -> dict[str, Any]:
        """The same of all examples, as columns of a table."""
        if not len(self.places):
            return {}
        files, lines = self.places.T
        return {"file": [self.files[file] for file in files], "line": lines}


def in_words(entries: Sequence[dict[str, Any]]) -> list[str]:
    """`test.csv:17` of each entry that `Origins.of` told of, without the folder if all share it."""
    told = [f"{entry['file']}:{entry['line']}" for entry in entries if "file" in entry]
    parted = [place.rpartition("/") for place in told]
    one_folder = len({folder for folder, _, _ in parted}) == 1
    return [name for _, _, name in parted] if one_folder else told


def load(prepared: Path, values: np.ndarray) -> Origins:
    """Args: values, what the examples' features hold, end to end."""
    return Origins(artifacts.manifest(prepared).get(FILES, ()), values.reshape(-1, 2))
