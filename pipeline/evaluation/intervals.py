"""95% intervals: how much a score would move with other examples of the same kind.

A score is a function of how often each example was drawn, so that all resamples are computed at
once: (R, N) counts -> (R,) values, or (R, C) values of C classes. Its interval is the bootstrap's
(draw the examples again, many times), but of a share of the examples, such as the accuracy, it is
Wilson's, which is right for few examples and at the edges, where all resamples are alike.
Sources: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3 (percentiles);
Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953, as Newcombe 1998 recommends it,
https://pubmed.ncbi.nlm.nih.gov/9595616.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Score = Callable[[np.ndarray], np.ndarray]
Estimate = dict[str, Any]  # "value", "low", "high", "n"

LEVEL = 95
CELLS = 4_000_000  # counts in memory at a time, 32 MB


@dataclass(frozen=True)
class Share:
    """A score: the share of N examples of which something is true. Args: of, (N,) bool."""

    of: np.ndarray

    def __call__(self, w: np.ndarray) -> np.ndarray:
        return w @ self.of / w.sum(axis=1)


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

    Returns:
        `{"value", "low", "high", "n"}` for each; lists instead of floats for scores of classes.
        None stands for a value that is not defined, and for the ends of an interval where all
        resamples are alike, as of a perfect F1: they do not tell how far it might move.
    """
    others = {name: score for name, score in scores.items() if not isinstance(score, Share)}
    answer = {}
    with warnings.catch_warnings():
        # A class may be missing from some resamples, and one that nobody has from all.
        warnings.simplefilter("ignore", RuntimeWarning)
        drawn = draw(others, n, resamples, seed)
        for name, score in scores.items():
            value = score(np.ones((1, n)))[0]
            ends = wilson(score) if isinstance(score, Share) else percentiles(drawn[name])
            low, high = (np.where(np.isnan(value), np.nan, end) for end in ends)
            answer[name] = {"value": told(value), "low": told(low), "high": told(high), "n": n}
    return answer


def wilson(share: Share) -> tuple[float, float]:
    from scipy.stats import binomtest

    counted = binomtest(int(np.sum(share.of)), len(share.of))
    found = counted.proportion_ci(LEVEL / 100, method="wilson")
    return float(found.low), float(found.high)


def percentiles(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R,) or (R, C) scores of resamples -> both ends, NaN where all are alike."""
    low, high = np.nanpercentile(drawn, [(100 - LEVEL) / 2, (100 + LEVEL) / 2], axis=0)
    alike = np.isclose(low, high, rtol=1e-9, atol=1e-12)
    return np.where(alike, np.nan, low), np.where(alike, np.nan, high)


def told(numbers: np.ndarray) -> Any:
    """A number, or a list of them, with None for NaN, which JSON has no word for."""
    found = np.asarray(numbers, float).astype(object)
    found[np.isnan(numbers)] = None
    return found.tolist()


def spell(estimate: Estimate, percent: bool = False) -> str:
    """`88.9 (87.8 to 90.0)` for percentages, `0.412 (0.398 to 0.431)` for other numbers."""
    scale, digits = (100, 1) if percent else (1, 3)
    value = spell_value(estimate, scale, digits)
    if estimate["value"] is None:
        return value
    return f"{value} ({spell_ends(estimate, scale, digits)})"


def spell_value(estimate: Estimate, scale: float, digits: int) -> str:
    value = estimate["value"]
    return "undefined" if value is None else f"{scale * value:.{digits}f}"


def spell_ends(estimate: Estimate, scale: float, digits: int, sign: str = "") -> str:
    """`87.8 to 90.0`, or that there is no interval."""
    if estimate["low"] is None:
        return "no interval"
    low, high = (f"{scale * estimate[key]:{sign}.{digits}f}" for key in ("low", "high"))
    return f"{low} to {high}"
