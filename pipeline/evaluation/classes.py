"""How good a model is at each class."""

from typing import Any

import numpy as np

from pipeline.evaluation.case import Case
from pipeline.evaluation.intervals import Score


def classes(case: Case, functions: dict[str, Score]) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class that stands in the labels or was predicted."""
    found = case.estimate(functions)
    labels, number = case.split.labels, len(case.names)
    texts = np.bincount(labels, minlength=number) if labels.ndim == 1 else labels.sum(axis=0)
    return [
        entry(found, c, name, texts[c])
        for c, name in enumerate(case.names)
        if found["f1"]["value"][c] is not None
    ]


def entry(found: dict[str, Any], c: int, name: str, n: int) -> dict[str, Any]:
    """Class c in a report. Args: found, estimates of all classes; n, how many there are of it."""
    return {
        "label": name,
        "n": int(n),
        **{score: found[score]["value"][c] for score in ("precision", "recall", "f1")},
        "f1_low": found["f1"]["low"][c],
        "f1_high": found["f1"]["high"][c],
    }
