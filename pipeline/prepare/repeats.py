"""Texts that stand more than once: duplicates within a split, leaks between splits.

Found by the hash of the cleaned text, a part of the hashes at a time, so that memory is bounded by
one byte a record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np

from pipeline.prepare.hashes import HASHED
from pipeline.prepare.inputs import SPLITS

DUPLICATE, LEAK = 1, 2
SHOWN = 10  # pairs of each sort that the report shows
PART = 1 << 21  # records looked at together

Pair = tuple[int, int]  # two records, counted over all files


@dataclass
class Repeats:
    """Which records are repeats, and how many there are.

    Attributes:
        flags: (N,) uint8 in the order of the files: DUPLICATE for a later copy within its split,
            LEAK for a training text that also stands in valid or test.
        splits: (N,) uint8, index in SPLITS.
        duplicates: later copies by split.
        leaks: distinct texts that stand in both of two splits, by "train/test" and so on.
        pairs: the first of each, as (first copy, later copy) and (first in the one split, first in
            the other).
    """

    flags: np.ndarray
    splits: np.ndarray
    duplicates: dict[str, int] = field(default_factory=dict)
    leaks: dict[str, int] = field(default_factory=dict)
    pairs: dict[str, list[Pair]] = field(default_factory=dict)


def find(files: Sequence[Path], part_size: int = PART) -> Repeats:
    """Compare all records whose hashes are in `files`, in that order."""
    total = sum(path.stat().st_size // HASHED.itemsize for path in files)
    found = Repeats(np.zeros(total, np.uint8), np.empty(total, np.uint8))
    for position, rows in _chunks(files, part_size):
        found.splits[position : position + len(rows)] = rows["split"]
    parts = max(1, -(-total // part_size))
    for part in range(parts):
        _compare(found, *_part(files, part, parts, part_size))
    for name in found.pairs:
        found.pairs[name] = sorted(found.pairs[name], key=lambda pair: pair[1])[:SHOWN]
    return found


def _compare(found: Repeats, rows: np.ndarray, positions: np.ndarray) -> None:
    order = np.lexsort((rows["split"], rows["low"], rows["high"]))  # stable: first copies first
    rows, positions = rows[order], positions[order]
    new_text = np.ones(len(rows), bool)
    new_text[1:] = (rows["high"][1:] != rows["high"][:-1]) | (rows["low"][1:] != rows["low"][:-1])
    new_split = new_text.copy()
    new_split[1:] |= rows["split"][1:] != rows["split"][:-1]
    first_in_split = np.maximum.accumulate(np.where(new_split, np.arange(len(rows)), 0))
    found.flags[positions[~new_split]] |= DUPLICATE
    for code, split in enumerate(SPLITS):
        later = np.flatnonzero(~new_split & (rows["split"] == code))
        found.duplicates[split] = found.duplicates.get(split, 0) + len(later)
        _keep(found, split, positions[first_in_split[later]], positions[later])

    text = np.cumsum(new_text) - 1  # (rows,) which text
    first = np.full((len(SPLITS), int(text[-1]) + 1 if len(text) else 0), -1)
    heads = np.flatnonzero(new_split)
    first[rows["split"][heads], text[heads]] = positions[heads]
    for one, other in combinations(range(len(SPLITS)), 2):
        both = np.flatnonzero((first[one] >= 0) & (first[other] >= 0))
        name = f"{SPLITS[one]}/{SPLITS[other]}"
        found.leaks[name] = found.leaks.get(name, 0) + len(both)
        _keep(found, name, first[one][both], first[other][both])
    leaked = first[1:].max(axis=0) >= 0
    found.flags[positions[(rows["split"] == 0) & leaked[text]]] |= LEAK


def _keep(found: Repeats, name: str, ones: np.ndarray, others: np.ndarray) -> None:
    order = np.argsort(others, kind="stable")[:SHOWN]
    kept = found.pairs.setdefault(name, [])
    kept += zip(ones[order].tolist(), others[order].tolist(), strict=True)


def _part(files: Sequence[Path], part: int, parts: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The records whose hash falls into a part, and their places among all records."""
    rows, positions = [np.empty(0, HASHED)], [np.empty(0, np.int64)]
    for position, chunk in _chunks(files, size):
        inside = chunk["high"] % np.uint64(parts) == part
        inside = np.flatnonzero(inside & (chunk["split"] < len(SPLITS)))
        rows.append(chunk[inside])
        positions.append(inside + position)
    return np.concatenate(rows), np.concatenate(positions)


def _chunks(files: Sequence[Path], size: int) -> Iterator[tuple[int, np.ndarray]]:
    position = 0
    for path in files:
        with open(path, "rb") as file:
            while len(chunk := np.fromfile(file, HASHED, size)):
                yield position, chunk
                position += len(chunk)
