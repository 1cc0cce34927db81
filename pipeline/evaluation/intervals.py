"""95% intervals by the bootstrap: draw the examples again, many times, and see how a score moves.

A score is a function of how often each example was drawn, so that all resamples are computed at
once: (R, N) counts -> (R,) values, or (R, C) values of C classes.
Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3 (percentiles).
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Score = Callable[[np.ndarray], np.ndarray]
Estimate = dict[str, Any]  # "value", "low", "high", "n"

LEVEL = 95
CELLS = 4_000_000  # counts in memory at a time, 32 MB


def draw(scores: Mapping[str, Score], n: int, resamples: int, seed: int) -> dict[str, np.ndarray]:
    """Every score of each resample of n examples, (resamples,) or (resamples, C)."""
    random = np.random.default_rng(seed)
    rows = max(1, CELLS // n)
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in scores}
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), n)
        # Where each of n draws falls, made distinct by row, counts all rows in one pass.
        places = random.integers(n, size=shape) + np.arange(shape[0])[:, None] * n
        counts = np.bincount(places.ravel(), minlength=shape[0] * n).reshape(shape).astype(float)
        for name, score in scores.items():
            drawn[name].append(score(counts))
    return {name: np.concatenate(parts) for name, parts in drawn.items()}


def estimate(scores: Mapping[str, Score], n: int, resamples: int, seed: int) -> dict[str, Estimate]:
    """Every score of n examples with its interval, all from the same draws.

    Returns `{"value", "low", "high", "n"}` for each; lists instead of floats for scores of classes.
    """
    drawn = draw(scores, n, resamples, seed)
    edges = [(100 - LEVEL) / 2, (100 + LEVEL) / 2]
    answer = {}
    for name, score in scores.items():
        with warnings.catch_warnings():
            # A class may be missing from some resamples, and one that nobody has from all.
            warnings.simplefilter("ignore", RuntimeWarning)
            low, high = np.nanpercentile(drawn[name], edges, axis=0)
        value = score(np.ones((1, n)))[0]
        answer[name] = {
            "value": value.tolist(),
            "low": low.tolist(),
            "high": high.tolist(),
            "n": n,
        }
    return answer


def spell(estimate: Estimate, percent: bool = False) -> str:
    """`88.9 (87.8 to 90.0)` for percentages, `0.412 (0.398 to 0.431)` for other numbers."""
    scale, digits = (100, 1) if percent else (1, 3)
    value, low, high = (f"{estimate[key] * scale:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"
