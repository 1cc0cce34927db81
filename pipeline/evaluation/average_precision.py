"""Average precision: the area under a label's curve of precision against recall.

Source: scikit-learn's definition, the sum of the precisions at each threshold, each weighted by the
recall that it adds (https://scikit-learn.org/stable/modules/model_evaluation.html).
"""

from typing import Any

import numpy as np

from pipeline.evaluation.intervals import Score

POINTS = 200  # of a curve that is drawn


def by_label(true: np.ndarray, chances: np.ndarray) -> Score:
    """Of each label, W (R, N) -> (R, C); NaN of one that no text has.

    Args: true, (N, C) bool; chances, (N, C).
    """
    scores = [_of_one(*columns) for columns in zip(true.T, chances.T, strict=True)]
    return lambda w: np.stack([score(w) for score in scores], axis=1)


def _of_one(true: np.ndarray, chances: np.ndarray) -> Score:
    order = np.argsort(-chances, kind="stable")
    values = chances[order]
    # A threshold lets in all texts of one probability, so what counts is where these end.
    ends = np.searchsorted(-values, -values, side="right") - 1
    hits = np.flatnonzero(true[order])
    last = np.searchsorted(hits, ends[hits], side="right") - 1

    def score(w: np.ndarray) -> np.ndarray:
        texts = w[:, order]
        found = texts[:, hits]
        right, all_of_them = found.cumsum(axis=1)[:, last], texts.cumsum(axis=1)[:, ends[hits]]
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.nan_to_num(right / all_of_them)
            return (found * precision).sum(axis=1) / found.sum(axis=1)

    return score


def curve(true: np.ndarray, chances: np.ndarray) -> dict[str, Any]:
    """Precision and recall of all labels of all texts together, at every threshold there is.

    At most POINTS of them, evenly apart in recall, and their average precision.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(true.ravel(), chances.ravel())
    places = np.searchsorted(recall[::-1], np.linspace(0, 1, POINTS), side="left")
    places = np.unique(len(recall) - 1 - np.minimum(places, len(recall) - 1))
    return {
        "recall": recall[places].tolist(),
        "precision": precision[places].tolist(),
        "average_precision": float(average_precision_score(true.ravel(), chances.ravel())),
    }
