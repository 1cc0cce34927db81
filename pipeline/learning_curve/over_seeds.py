"""How good several runs are that differ in their seed, and whether they beat others.

Source of the intervals: the bootstrap of `pipeline.evaluation.intervals`, over examples and over
seeds at once: each draw takes as many examples, and as many seeds, with replacement. Few seeds tell
little of how seeds vary: with 3, such an interval is too narrow rather than too wide.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.evaluation import intervals, scores, tagging_scores
from pipeline.evaluation.compared import Compared
from pipeline.evaluation.intervals import Score
from pipeline.tasks import LOWER_IS_BETTER

RESAMPLES, SEED = 1000, 1


def score_of(run: Compared) -> Score:
    """The score that decides, as a function of how often each test example counts."""
    table = run.predictions
    match run.task:
        case "classify":
            return scores.mean(table.correct.to_numpy(float))
        case "multilabel":
            return scores.micro_f1_of_sets(table.label, table.predicted)
        case "regress":
            squared = scores.mean(((table.predicted - table.label) ** 2).to_numpy())
            return lambda w: np.sqrt(squared(w))
        case _:
            tags = (table.label.tolist(), table.predicted.tolist())
            return tagging_scores.deciding(run.report["scheme"], *tags)


def mean(runs: Sequence[Compared]) -> dict[str, Any]:
    """The mean of the score over the runs' seeds with its interval, and its standard deviation."""
    found = _over([score_of(run) for run in runs], len(runs[0].predictions))
    return {key: value for key, value in found.items() if key != "drawn"}


def ahead(ours: Sequence[Compared], theirs: Sequence[Compared]) -> dict[str, Any]:
    """By how much ours are better, seed by seed on the same samples; below 0 if they are worse.

    The mean difference over seeds with its interval, and as its p-value twice the share of draws
    in which it has the other sign or none.
    """
    sign = -1 if ours[0].score in LOWER_IS_BETTER else 1

    def better(one: Score, other: Score) -> Score:
        return lambda w: sign * (one(w) - other(w))

    pairs = zip(map(score_of, ours), map(score_of, theirs), strict=True)
    found = _over([better(*pair) for pair in pairs], len(ours[0].predictions))
    drawn = found.pop("drawn")
    against = (drawn <= 0 if found["value"] > 0 else drawn >= 0).sum()
    # One more in both, for a share of no draws is not a chance of nothing.
    return {**found, "p": min(1.0, float(2 * (against + 1) / (RESAMPLES + 1)))}


def _over(functions: Sequence[Score], n: int) -> dict[str, Any]:
    by_seed = {str(i): function for i, function in enumerate(functions)}
    drawn = np.stack(list(intervals.draw(by_seed, n, RESAMPLES, SEED).values()))  # (seeds, R)
    number = len(functions)
    chosen = np.random.default_rng(SEED + 1).integers(number, size=drawn.shape)
    means = np.take_along_axis(drawn, chosen, axis=0).mean(axis=0)
    values = [float(function(np.ones((1, n)))[0]) for function in functions]
    low, high = map(intervals.told, intervals.percentiles(means))
    return {
        "value": float(np.mean(values)),
        "low": low,
        "high": high,
        "n": n,
        "seeds": number,
        "values": values,
        "deviation": float(np.std(values, ddof=1)) if number > 1 else None,
        "drawn": means,
    }
