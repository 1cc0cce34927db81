"""Answers about words are ragged and tensors are not: rows come filled up, and here lose that."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

FILLED = -1  # in place of where a word or a span begins, which no text has

# The output that says where rows end -> those that end there.
ROWS = {
    "begins": ("words", "begins", "ends", "tags", "scores"),
    "span_begins": ("span_labels", "span_begins", "span_ends"),
}


def without_padding(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs of a tagger, of several labels, and of what fills in masks, with B lists each; others
    as they are.
    """
    found = dict(answers)
    if "labels" in answers:
        filled = np.asarray(answers["labels"]) == ""  # which no label is
        if filled.any():
            _cut(found, ("labels", "scores"), (~filled).sum(axis=1))
    if "masks" in answers:  # a text has as many answers as masks
        _cut(found, ("tokens", "scores"), answers["masks"])
    for counted, names in ROWS.items():
        if counted in answers:
            ends = [sum(place != FILLED for place in row) for row in answers[counted]]
            _cut(found, names, ends)
    return found


def _cut(found: dict[str, Any], names: Sequence[str], ends: Sequence[int] | np.ndarray) -> None:
    """Outputs are arrays, or lists as REST has them."""
    for name in names:
        values = found[name]
        rows = values.tolist() if isinstance(values, np.ndarray) else values
        found[name] = [row[:end] for row, end in zip(rows, ends, strict=True)]


def padded(rows: Sequence[Sequence[Any]]) -> np.ndarray:
    """B lists of words, for a request: (B, T), filled up with empty ones."""
    filled = np.full((len(rows), max(map(len, rows), default=0)), "", object)
    for row, words in zip(filled, rows, strict=True):
        row[: len(words)] = words
    return filled
