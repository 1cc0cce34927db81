"""Means over seeds and their intervals against formulas and plain loops."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, root_mean_squared_error

from pipeline.evaluation.compared import Compared
from pipeline.learning_curve import over_seeds


def run(task, score, **columns):
    return Compared("run", {"task": task, "score": score}, {}, {}, pd.DataFrame(columns))


def classified(right):
    return run("classify", "accuracy", label=["a"] * len(right), correct=right)


def drawn(random, *chances, n=300):
    return [classified(random.random(n) < chance) for chance in chances]


def test_mean_deviation_and_interval_against_plain_loops():
    random = np.random.default_rng(1)
    runs = drawn(random, 0.5, 0.6, 0.8)
    found = over_seeds.mean(runs)
    rights = np.stack([each.predictions.correct.to_numpy(float) for each in runs])
    values = rights.mean(axis=1)
    assert found["value"] == pytest.approx(values.mean())
    assert found["deviation"] == pytest.approx(values.std(ddof=1))
    assert (found["n"], found["seeds"]) == (300, 3)
    means = []
    for _ in range(3000):
        rows = random.integers(300, size=300)
        means.append(np.mean([rights[seed][rows].mean() for seed in random.integers(3, size=3)]))
    low, high = np.percentile(means, [2.5, 97.5])
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.015)
    # Over the examples alone it would be far narrower.
    alone = 2 * 1.96 * rights.mean(axis=0).std() / 300**0.5
    assert found["high"] - found["low"] > 2 * alone


def test_one_seed_has_no_deviation():
    found = over_seeds.mean(drawn(np.random.default_rng(1), 0.7))
    assert found["deviation"] is None
    assert found["low"] < found["value"] < found["high"]


def test_scores_of_other_tasks_are_those_of_scikit_learn():
    random = np.random.default_rng(2)
    there, found = random.random((2, 50, 3)) < 0.4
    names = [[["x", "y", "z"][i] for i in np.flatnonzero(row)] for row in (*there, *found)]
    both = run("multilabel", "micro_f1", label=names[:50], predicted=names[50:])
    expected = f1_score(there, found, average="micro")
    assert over_seeds.mean([both])["value"] == pytest.approx(expected)
    label, predicted = random.normal(size=(2, 50))
    numbers = run("regress", "rmse", label=label, predicted=predicted)
    expected = root_mean_squared_error(label, predicted)
    assert over_seeds.mean([numbers])["value"] == pytest.approx(expected)


def test_a_difference_is_above_0_where_ours_is_better():
    random = np.random.default_rng(3)
    worse, better = drawn(random, 0.5, 0.52), drawn(random, 0.8, 0.82)
    found = over_seeds.ahead(better, worse)
    values = [over_seeds.mean(runs)["value"] for runs in (better, worse)]
    assert found["value"] == pytest.approx(values[0] - values[1])
    assert found["low"] > 0
    assert found["p"] == pytest.approx(2 / 1001)
    back = over_seeds.ahead(worse, better)
    assert (back["value"], back["low"]) == pytest.approx((-found["value"], -found["high"]))
    label = random.normal(size=40)
    near, far = (
        [run("regress", "rmse", label=label, predicted=label + scale * random.normal(size=40))]
        for scale in (0.1, 1.0)
    )
    assert over_seeds.ahead(near, far)["low"] > 0  # a smaller error is better


def test_the_same_answers_do_not_differ():
    runs = drawn(np.random.default_rng(4), 0.5, 0.9)
    found = over_seeds.ahead(runs, runs)
    assert (found["value"], found["low"], found["high"], found["p"]) == (0, None, None, 1)
