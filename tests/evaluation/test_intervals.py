"""The bootstrap against scipy's, and its coverage against the truth."""

import numpy as np
import pytest
from scipy import stats

from pipeline.evaluation import intervals, scores


def test_interval_is_scipys_percentile_interval():
    values = np.random.default_rng(0).exponential(size=200)
    ours = intervals.estimate({"mean": scores.mean(values)}, 200, 4000, seed=1)["mean"]
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours["value"] == pytest.approx(values.mean())
    # Both are random: the edges of 4000 resamples move by about 0.03 standard errors.
    error = values.std() / np.sqrt(200)
    assert ours["low"] == pytest.approx(theirs.low, abs=0.2 * error)
    assert ours["high"] == pytest.approx(theirs.high, abs=0.2 * error)


def test_interval_holds_the_truth_as_often_as_it_says():
    """1000 samples of 100 examples from a model that is right 80% of the time."""
    random = np.random.default_rng(0)
    held = 0
    for seed in range(1000):
        right = (random.random(100) < 0.8).astype(float)
        found = intervals.estimate({"accuracy": scores.mean(right)}, 100, 200, seed)["accuracy"]
        held += found["low"] <= 0.8 <= found["high"]
    # The percentile interval is known to hold a little less than it says in small samples.
    assert 0.91 <= held / 1000 <= 0.98


def test_same_seed_same_interval_whatever_fits_in_memory(monkeypatch):
    values = np.random.default_rng(0).random(50)
    score = {"mean": scores.mean(values)}
    whole = intervals.estimate(score, 50, 100, seed=3)
    monkeypatch.setattr(intervals, "CELLS", 7 * 50)
    assert intervals.estimate(score, 50, 100, seed=3) == whole
    assert intervals.estimate(score, 50, 100, seed=4) != whole


def test_scores_of_classes_have_an_interval_each():
    labels = np.array([0, 0, 1, 1, 1, 2] * 20)
    predicted = np.array([0, 0, 1, 1, 0, 2] * 20)
    found = intervals.estimate(scores.by_class(labels, predicted, 3), 120, 200, seed=0)
    assert found["recall"]["value"] == pytest.approx([1.0, 2 / 3, 1.0])
    assert found["recall"]["low"][0] == found["recall"]["high"][2] == 1.0
    assert found["recall"]["low"][1] < 2 / 3 < found["recall"]["high"][1]


def test_a_class_that_some_resamples_lack_has_an_interval_and_one_that_nobody_has_has_none():
    labels = np.array([0] * 20 + [1])
    found = intervals.estimate(scores.by_class(labels, labels, 3), 21, 200, seed=0)["f1"]
    assert (found["value"][1], found["low"][1], found["high"][1]) == (1.0, 1.0, 1.0)
    assert np.isnan([found["value"][2], found["low"][2], found["high"][2]]).all()


def test_spelling():
    estimate = {"value": 0.88912, "low": 0.878, "high": 0.9, "n": 3080}
    assert intervals.spell(estimate, percent=True) == "88.9 (87.8 to 90.0)"
    assert intervals.spell(estimate) == "0.889 (0.878 to 0.900)"
