"""Whether a model is right as often as it is confident.

Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599, section 2 (reliability, ECE).
"""

from typing import Any

import numpy as np
from scipy import sparse

from pipeline.evaluation.intervals import Score

BINS = 15  # of equal width on (0, 1], as in the source


def bin_of(confidence: np.ndarray) -> np.ndarray:
    """(N,) probabilities of the predicted class -> their bins; bin b is (b/15, (b+1)/15]."""
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)


def error(confidence: np.ndarray, correct: np.ndarray) -> Score:
    """The expected calibration error: sum over bins of n_b / N * |accuracy_b - confidence_b|."""
    every = np.arange(len(correct))
    gaps = sparse.csr_array(
        (correct - confidence.astype(float), (bin_of(confidence), every)), (BINS, len(correct))
    )
    return lambda w: np.abs(gaps @ w.T).sum(axis=0) / w.sum(axis=1)


def bins(confidence: np.ndarray, correct: np.ndarray) -> list[dict[str, Any]]:
    """The bins that hold examples, with the mean confidence and the accuracy in each."""
    where = bin_of(confidence)
    return [
        {
            "low": b / BINS,
            "high": (b + 1) / BINS,
            "n": int((where == b).sum()),
            "confidence": float(confidence[where == b].mean()),
            "accuracy": float(correct[where == b].mean()),
        }
        for b in np.unique(where)
    ]
