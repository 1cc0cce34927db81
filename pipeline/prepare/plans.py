"""What the second pass is to do with each record, decided from the repeats: split, or left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs.data import Data
from pipeline.errors import JobError
from pipeline.prepare.hashes import UNUSED
from pipeline.prepare.inputs import SPLITS
from pipeline.prepare.repeats import DUPLICATE, LEAK, Repeats


@dataclass(frozen=True)
class Plan:
    """`rows`: checked records of each file. By split: records to write, and dropped repeats."""

    rows: tuple[int, ...]
    kept: dict[str, int]
    dropped: dict[str, int]
    repeats: Repeats

    def shown(self, unit: int) -> frozenset[int]:
        """The rows of a file that stand in a pair which the report shows."""
        start, pairs = sum(self.rows[:unit]), self.repeats.pairs.values()
        rows = (place - start for some in pairs for pair in some for place in pair)
        return frozenset(row for row in rows if 0 <= row < self.rows[unit])

    def pairs(self, shown: Sequence[Sequence[Any]]) -> dict[str, list[list[Any]]]:
        """The report's pairs; `shown` holds (row, what to show) of each file."""
        starts = np.cumsum([0, *self.rows]).tolist()
        known = {
            start + row: what
            for start, rows in zip(starts, shown, strict=False)
            for row, what in rows
        }
        return {
            name: [[known[place] for place in pair] for pair in pairs]
            for name, pairs in self.repeats.pairs.items()
        }


def plan(found: Repeats, data: Data, rows: Sequence[int], folder: Path) -> Plan:
    """Write a byte for each checked record to `folder`/UNIT: its split, or UNUSED."""
    unwanted = DUPLICATE * data.drop_duplicates | LEAK * data.drop_leaks
    dropped = (found.flags & unwanted) > 0
    places = np.where(dropped, np.uint8(UNUSED), found.splits)
    start = 0
    for unit, count in enumerate(rows):
        places[start : start + count].tofile(folder / f"{unit:05d}")
        start += count
    return Plan(tuple(rows), _by_split(places), _by_split(found.splits[dropped]), found)


def _by_split(codes: np.ndarray) -> dict[str, int]:
    return {split: int((codes == code).sum()) for code, split in enumerate(SPLITS)}


def check_splits(data: Data, counts: Mapping[str, int], dropped: Mapping[str, int]) -> None:
    """See that no split that the recipe names is empty.

    Args: by split, how many examples there are and how many were dropped as repeats.

    Raises:
        JobError: one is.
    """
    for split in SPLITS:
        wanted = getattr(data, split)
        if wanted is None or counts.get(split):
            continue
        if dropped[split]:
            why = f"all {dropped[split]} examples were dropped as duplicates or leaks"
        elif isinstance(wanted, float):
            why = f"{wanted:g} of {counts['train']:,} training texts came to none"
        else:
            why = f"no usable records in {', '.join(wanted)}"
        raise JobError(f"data.{split} is empty: {why}. Name other files or another fraction")
