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
    if "labels" in answers and (answers["labels"] == "").any():  # no label is empty
        ends = (answers["labels"] != "").sum(axis=1)
        for name in ("labels", "scores"):
            found[name] = [r[:end] for r, end in zip(answers[name].tolist(), ends, strict=True)]
    if "masks" in answers:  # a text has as many answers as masks
        for name in ("tokens", "scores"):
            rows = zip(answers[name].tolist(), answers["masks"], strict=True)
            found[name] = [row[:number] for row, number in rows]
    for counted, names in ROWS.items():
        if counted in answers:
            ends = [sum(place != FILLED for place in row) for row in answers[counted]]
            for name in names:
                values = answers[name]
                rows = values.tolist() if isinstance(values, np.ndarray) else values
                found[name] = [row[:end] for row, end in zip(rows, ends, strict=True)]
    return found


def padded(rows: Sequence[Sequence[Any]]) -> np.ndarray:
    """B lists of words, for a request: (B, T), filled up with empty ones."""
    filled = np.full((len(rows), max(map(len, rows), default=0)), "", object)
    for row, words in zip(filled, rows, strict=True):
        row[: len(words)] = words
    return filled
