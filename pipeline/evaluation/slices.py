"""Where a model is good and where it is not: its deciding score on parts of a split."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from configs.tasks import Task
from pipeline.data import Split
from pipeline.evaluation import intervals
from pipeline.evaluation.judge import score_functions

# Of a column: its commonest values, if they have the texts for an interval; the others together.
MOST_VALUES, FEWEST_TEXTS = 12, 10


def measure(
    task: Task,
    name: str,
    split: Split,
    logits: np.ndarray,
    thresholds: np.ndarray | None,
    resamples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """The score `name` on each part, as estimates with "by" and "part"."""
    found = []
    for by, part, rows in parts(split):
        score = score_functions(task, split.labels[rows], logits[rows], thresholds)[name]
        measured = intervals.estimate({name: score}, len(rows), resamples, seed)[name]
        found.append({"by": by, "part": part, **measured})
    return found


def parts(split: Split) -> Iterator[tuple[str, str, np.ndarray]]:
    """(what it is cut by, the part's name, its rows) for length quartiles and columns' values."""
    lengths, by = split.lengths, "length of both" if split.second_texts else "length"
    quarter = np.searchsorted(np.quantile(lengths, [0.25, 0.5, 0.75]), lengths, side="left")
    for q in np.unique(quarter):
        rows = np.flatnonzero(quarter == q)
        low, high = lengths[rows].min(), lengths[rows].max()
        yield by, f"{low} tokens" if low == high else f"{low} to {high} tokens", rows
    for column, values in split.columns.items():
        counts = Counter(values).most_common(MOST_VALUES)
        common = [value for value, number in counts if number >= FEWEST_TEXTS]
        part = [value if value in common else "all other values" for value in values]
        for name in dict.fromkeys([*common, *part]):
            yield column, name, np.flatnonzero([each == name for each in part])
