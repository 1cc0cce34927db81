"""Paired tests against their definitions and scipy."""

import numpy as np
import pytest
from scipy import stats

from pipeline.evaluation import paired, paired_shares, scores


def test_mcnemar_is_the_binomial_test_of_the_examples_that_differ():
    ours = np.array([1] * 50 + [1] * 12 + [0] * 3 + [0] * 10, bool)
    theirs = np.array([1] * 50 + [0] * 12 + [1] * 3 + [0] * 10, bool)
    found = paired.right(ours, theirs)
    # Twice the chance of 3 or fewer heads in 15 tosses.
    assert found["p"] == pytest.approx(2 * stats.binom.cdf(3, 15, 0.5))
    assert (found["only_ours"], found["only_theirs"], found["n"]) == (12, 3, 75)
    assert found["value"] == pytest.approx(9 / 75)
    assert 0 < found["low"] < 9 / 75 < found["high"]
    assert paired.verdict(found) == "better"
    assert paired.verdict(paired.right(theirs, ours)) == "worse"


def test_equal_models_are_no_different():
    same = np.array([True, False, True])
    found = paired.right(same, same)
    assert (found["p"], found["value"], paired.verdict(found)) == (1.0, 0.0, "no different")
    found = paired.errors(np.ones(3), np.ones(3), resamples=100, seed=0)
    assert (found["p"], paired.verdict(found)) == (1.0, "no different")


# Fagerland, Lydersen and Laake 2014, https://doi.org/10.1002/sim.6148, of Bentur et al. 2009 and
# Cavo et al. 2012, to four digits as their R package contingencytables has them.
@pytest.mark.parametrize(
    ("only_ours", "only_theirs", "n", "low", "high"),
    [(1, 7, 21, -0.5172, -0.0260), (6, 16, 161, -0.1240, -0.0054)],
)
def test_interval_of_a_difference_is_the_published_one(only_ours, only_theirs, n, low, high):
    rows = np.arange(n)
    ours, theirs = rows < only_ours, (rows >= only_ours) & (rows < only_ours + only_theirs)
    found = paired.right(ours, theirs)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-4)
    back = paired.right(theirs, ours)
    assert (back["low"], back["high"]) == pytest.approx((-high, -low), abs=1e-4)


def test_the_difference_of_two_perfect_models_is_not_known_to_be_nothing():
    perfect, none = np.ones(20, bool), np.zeros(20, bool)
    found = paired.right(perfect, perfect)
    z = stats.norm.ppf(0.975) ** 2
    assert (found["low"], found["high"]) == pytest.approx((-z / (20 + z), z / (20 + z)))
    found = paired.right(perfect, none)
    assert found["value"] == found["high"] == 1.0
    assert 0.6 < found["low"] < 0.7
    found = paired.right(perfect[:1], none[:1])
    assert found["low"] < 0 < found["high"] == 1.0


def test_interval_of_a_difference_holds_the_truth_as_often_as_it_says():
    """Of 20 examples ours has 85% right, theirs 75%, apart: all samples, by how likely they are."""
    sample = stats.multinomial(20, [0.85 * 0.25, 0.15 * 0.75, 0.85 * 0.75 + 0.15 * 0.25])
    held = 0.0
    for ours in range(21):
        for theirs in range(21 - ours):
            low, high = paired_shares.interval(ours, theirs, 20, 0.95)
            held += sample.pmf([ours, theirs, 20 - ours - theirs]) * (low <= 0.1 <= high)
    assert 0.93 < held < 0.97


def test_mcnemar_cries_wolf_no_more_than_it_says():
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        ours, theirs = random.random((2, 200)) < 0.8
        alarms += paired.right(ours, theirs)["p"] < 0.05
    assert alarms / 400 < 0.07


def test_smaller_errors_are_better():
    random = np.random.default_rng(0)
    ours = np.abs(random.normal(size=100))
    theirs = ours + np.abs(random.normal(size=100))
    found = paired.errors(ours, theirs, resamples=500, seed=0)
    assert found["value"] == pytest.approx((theirs - ours).mean())
    assert found["p"] == pytest.approx(stats.wilcoxon(theirs, ours).pvalue)
    assert paired.verdict(found) == "better"


def test_a_score_of_resamples_agrees_with_a_test_made_for_means():
    random = np.random.default_rng(1)
    ours = random.random(400) < 0.80
    theirs = np.where(random.random(400) < 0.7, ours, random.random(400) < 0.6)
    exact = paired.right(ours, theirs)
    means = [scores.mean(each.astype(float)) for each in (ours, theirs)]
    found = paired.resampled(*means, 400, resamples=4000, seed=0)
    assert found["value"] == pytest.approx(exact["value"])
    assert found["p"] == pytest.approx(exact["p"], abs=0.01)
    back = paired.resampled(*means[::-1], 400, resamples=4000, seed=0)
    assert (back["value"], back["p"]) == pytest.approx((-found["value"], found["p"]))
    assert paired.resampled(means[0], means[0], 400, resamples=200, seed=0)["p"] == 1.0


def test_the_paired_bootstrap_cries_wolf_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        means = [scores.mean((random.random(200) < 0.8).astype(float)) for _ in range(2)]
        alarms += paired.resampled(*means, 200, resamples=400, seed=0)["p"] < 0.05
    assert 0.02 < alarms / 400 < 0.08


def test_spelling():
    same = paired.errors(np.ones(3), np.ones(3), resamples=100, seed=0)
    assert paired.spell(same, points=False) == "+0.000 (no interval), p 1.000"
    found = {"value": -0.0123, "low": -0.02, "high": 0.004, "p": 0.0301}
    assert paired.spell(found, points=True) == "-1.2 (-2.0 to +0.4), p 0.030"
    assert paired.spell(found | {"p": 1e-9}, points=False) == "-0.012 (-0.020 to +0.004), p < 0.001"
