"""The bootstrap against scipy's, shares against published figures, coverage against the truth."""

import json

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


def right_answers(number, n):
    return intervals.Share(np.arange(n) < number)


# Newcombe 1998, Two-sided confidence intervals for the single proportion, table I, method 3.
@pytest.mark.parametrize(
    ("number", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (20, 20, 0.8389, 1.0),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_interval_of_a_share_is_the_published_one(number, n, low, high):
    found = intervals.estimate({"share": right_answers(number, n)}, n, 100, seed=0)["share"]
    assert found["value"] == pytest.approx(number / n)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("n", "chance"), [(20, 0.97), (20, 0.5), (100, 0.8)])
def test_interval_of_a_share_holds_the_truth_as_often_as_it_says(n, chance):
    """Over all samples that there can be, each weighed by how likely it is."""
    numbers = np.arange(n + 1)
    held = 0.0
    for number, likely in zip(numbers, stats.binom.pmf(numbers, n, chance), strict=True):
        score = {"share": right_answers(number, n)}
        found = intervals.estimate(score, n, 100, seed=0)["share"]
        held += likely * (found["low"] <= chance <= found["high"])
    assert 0.93 < held < 0.99


def test_bootstrap_holds_the_truth_about_as_often_as_it_says():
    """1000 samples of 100 examples whose scores have a mean of 2."""
    random = np.random.default_rng(0)
    held = 0
    for seed in range(1000):
        values = random.gamma(4.0, 0.5, 100)
        found = intervals.estimate({"mean": scores.mean(values)}, 100, 200, seed)["mean"]
        held += found["low"] <= 2.0 <= found["high"]
    # The percentile interval is known to hold a little less than it says in small samples.
    assert 0.91 <= held / 1000 <= 0.98


def test_resamples_that_are_all_alike_tell_no_interval():
    perfect, constant = np.array([0, 1, 2] * 6), np.full(20, 0.1)
    functions = {"macro_f1": scores.macro(scores.by_class(perfect, perfect, 3)["f1"])}
    found = intervals.estimate(functions, 18, 100, seed=0)["macro_f1"]
    assert found == {"value": 1.0, "low": None, "high": None, "n": 18}
    assert intervals.spell(found, percent=True) == "100.0 (no interval)"
    found = intervals.estimate({"mean": scores.mean(constant)}, 20, 100, seed=0)["mean"]
    assert (found["low"], found["high"]) == (None, None)  # for all that rounding leaves


def test_what_is_not_defined_has_neither_value_nor_interval():
    found = intervals.estimate(scores.regress(np.arange(9.0), np.ones(9)), 9, 100, seed=0)
    for name in ("pearson", "spearman"):
        assert found[name] == {"value": None, "low": None, "high": None, "n": 9}
        assert intervals.spell(found[name]) == "undefined"
    json.dumps(found, allow_nan=False)


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
    assert found["recall"]["low"][0] is found["recall"]["high"][2] is None  # always right
    assert found["recall"]["low"][1] < 2 / 3 < found["recall"]["high"][1]


def test_a_class_that_some_resamples_lack_has_an_interval_and_one_that_nobody_has_has_none():
    labels = np.array([0] * 20 + [1])
    found = intervals.estimate(scores.by_class(labels, labels, 3), 21, 200, seed=0)["f1"]
    assert (found["value"][1], found["low"][1], found["high"][1]) == (1.0, None, None)
    assert (found["value"][2], found["low"][2], found["high"][2]) == (None, None, None)
    wrong = np.array([0] * 10 + [1] * 11)
    found = intervals.estimate(scores.by_class(labels, wrong, 3), 21, 200, seed=0)["f1"]
    assert 0 <= found["low"][1] < found["value"][1] < found["high"][1] < 0.6


def test_spelling():
    estimate = {"value": 0.88912, "low": 0.878, "high": 0.9, "n": 3080}
    assert intervals.spell(estimate, percent=True) == "88.9 (87.8 to 90.0)"
    assert intervals.spell(estimate) == "0.889 (0.878 to 0.900)"
