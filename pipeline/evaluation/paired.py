"""Whether one model is better than another on the same examples.

Sources: McNemar 1947, https://doi.org/10.1007/BF02295996, in its exact (binomial) form; Wilcoxon
1945, https://doi.org/10.2307/3001968; paired bootstrap: Koehn 2004,
https://aclanthology.org/W04-3250.
"""

from typing import Any

import numpy as np
from scipy import stats

from pipeline.evaluation import intervals, paired_shares, scores
from pipeline.evaluation.intervals import Score

SIGNIFICANT = 0.05


def right(ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    """Compare (N,) booleans, whether each example was answered right.

    The difference in accuracy with its interval, and the p-value of McNemar's exact test: if both
    were equally good, the examples that only one has right would be coin flips.
    """
    ours, theirs = ours.astype(bool), theirs.astype(bool)
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    differ, n = only_ours + only_theirs, len(ours)
    low, high = paired_shares.interval(only_ours, only_theirs, n, intervals.LEVEL / 100)
    p = stats.binomtest(only_ours, differ).pvalue if differ else 1.0
    return {
        "value": (only_ours - only_theirs) / n,
        "low": low,
        "high": high,
        "n": n,
        "only_ours": only_ours,
        "only_theirs": only_theirs,
        "p": float(p),
        "test": "McNemar, exact",
    }


def errors(ours: np.ndarray, theirs: np.ndarray, resamples: int, seed: int) -> dict[str, Any]:
    """Compare (N,) absolute errors; a difference above 0 means that ours are smaller.

    The mean difference with its bootstrap interval, and the p-value of Wilcoxon's signed-rank test.
    """
    differences = theirs - ours
    found = intervals.estimate({"mean": scores.mean(differences)}, len(ours), resamples, seed)
    p = stats.wilcoxon(differences).pvalue if differences.any() else 1.0
    return {
        **found["mean"],
        "p": float(p),
        "test": "Wilcoxon signed-rank",
    }


def resampled(ours: Score, theirs: Score, n: int, resamples: int, seed: int) -> dict[str, Any]:
    """Compare a score that is no mean over the n examples, such as an F1; more is better.

    The difference with its bootstrap interval, both scores from the same draws, and as its p-value
    twice the share of draws in which the difference has the other sign or none.
    """

    def ahead(w: np.ndarray) -> np.ndarray:
        return ours(w) - theirs(w)

    found = intervals.estimate({"ahead": ahead}, n, resamples, seed)["ahead"]
    drawn = intervals.draw({"ahead": ahead}, n, resamples, seed)["ahead"]
    against = (drawn <= 0 if found["value"] > 0 else drawn >= 0).sum()
    # One more in both, for a share of no draws is not a chance of nothing.
    p = min(1.0, 2 * (against + 1) / (resamples + 1))
    return {**found, "p": float(p), "test": "paired bootstrap"}


def turned(found: dict[str, Any]) -> dict[str, Any]:
    """The same from the other side: by how much theirs is ahead of ours."""
    ends = {key: None if found[key] is None else -found[key] for key in ("low", "high")}
    return {**found, "value": -found["value"], "low": ends["high"], "high": ends["low"]}


def verdict(found: dict[str, Any]) -> str:
    """`better`, `worse` or `no different`, as far as the test can tell."""
    if found["p"] >= SIGNIFICANT:
        return "no different"
    return "better" if found["value"] > 0 else "worse"


def spell(found: dict[str, Any], points: bool) -> str:
    """`-1.2 (-2.0 to -0.4), p 0.003`; the difference in percentage points or as it is."""
    scale, digits = (100, 1) if points else (1, 3)
    ends = intervals.spell_ends(found, scale, digits, sign="+")
    return f"{scale * found['value']:+.{digits}f} ({ends}), {spell_p(found)}"


def spell_p(found: dict[str, Any]) -> str:
    return "p < 0.001" if found["p"] < 0.001 else f"p {found['p']:.3f}"
