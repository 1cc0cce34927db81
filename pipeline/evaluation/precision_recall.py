"""Precision against recall, as the threshold for giving a label falls from 1 to 0."""

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

POINTS = 200  # of a curve that is drawn


def curve(true: np.ndarray, chances: np.ndarray) -> dict[str, Any]:
    """Of all labels of all texts together, at most POINTS of them, evenly apart in recall.

    "average_precision", the area below, is the sum of the precisions at each threshold, each
    weighted by the recall that it adds.

    Args: true, (N, C) bool; chances, (N, C).
    """
    if not true.any():
        return {"recall": [], "precision": [], "average_precision": None}
    precision, recall, _ = precision_recall_curve(true.ravel(), chances.ravel())
    places = np.searchsorted(recall[::-1], np.linspace(0, 1, POINTS), side="left")
    places = np.unique(len(recall) - 1 - np.minimum(places, len(recall) - 1))
    return {
        "recall": recall[places].tolist(),
        "precision": precision[places].tolist(),
        "average_precision": float(average_precision_score(true.ravel(), chances.ravel())),
    }
