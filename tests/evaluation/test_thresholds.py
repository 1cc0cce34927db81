"""From which probability on labels are given, against trying every threshold with scikit-learn."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn import metrics
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from configs.tasks import Multilabel
from pipeline.evaluation import label_baselines, precision_recall, thresholds

RANDOM = np.random.default_rng(4)
LABELS = (RANDOM.random((80, 3)) < [0.5, 0.25, 0.03]).astype(np.float32)
# Rounded, so that many are alike.
CHANCES = expit(LABELS * 2 - 2 + RANDOM.normal(size=LABELS.shape)).round(2)


def task(threshold):
    return Multilabel(kind="multilabel", threshold=threshold)


def f1(labels, chances, threshold):
    return metrics.f1_score(labels.ravel(), (chances > threshold).ravel(), zero_division=0)


def best_of_all(labels, chances):
    return max(f1(labels, chances, each) for each in [0, *np.unique(chances)])


def test_one_for_all_has_the_best_micro_f1():
    found = thresholds.choose(task("one"), LABELS, CHANCES)
    assert found.shape == (3,)
    assert np.ptp(found) == 0
    assert f1(LABELS, CHANCES, found) == best_of_all(LABELS, CHANCES) > f1(LABELS, CHANCES, 0.5)


def test_each_its_own_but_for_rare_labels():
    found = thresholds.choose(task("per_label"), LABELS, CHANCES)
    for label in (0, 1):
        wanted = best_of_all(LABELS[:, label], CHANCES[:, label])
        assert f1(LABELS[:, label], CHANCES[:, label], found[label]) == wanted
    assert found[0] != found[1]
    assert LABELS[:, 2].sum() < thresholds.FEWEST
    assert found[2] == thresholds.choose(task("one"), LABELS, CHANCES)[0]


def test_the_recipes_own_and_nothing_to_choose_by():
    assert thresholds.choose(task(0.2), LABELS, CHANCES).tolist() == [0.2] * 3
    assert thresholds.choose(task("one"), 0 * LABELS, CHANCES).tolist() == [0.5] * 3
    assert thresholds.best(np.ones(2), np.array([0.4, 0.2])) == 0.1


@pytest.mark.parametrize(
    ("threshold", "chosen_on", "told"),
    [
        (0.3, 0, "above 0.3, as the recipe says"),
        ("one", 0, "above 0.3, for there is no validation split"),
        ("one", 1200, "above 0.3, the threshold of the best micro F1 on the 1,200 validation"),
        ("per_label", 1200, "of their own, 0.3 to 0.9: the ones of the best F1"),
    ],
)
def test_it_is_said(threshold, chosen_on, told):
    values = {"a": 0.3, "b": 0.9 if threshold == "per_label" else 0.3}
    report = {"thresholds": values, "threshold": threshold, "chosen_on": chosen_on}
    assert told in thresholds.in_words(report)


def test_the_curve_is_scikit_learns():
    found = precision_recall.curve(LABELS > 0, CHANCES)
    wanted = metrics.average_precision_score(LABELS, CHANCES, average="micro")
    assert found["average_precision"] == pytest.approx(wanted)
    for recall, precision in zip(found["recall"], found["precision"], strict=True):
        some = [
            metrics.precision_recall_fscore_support(
                LABELS.ravel(), CHANCES.ravel() >= each, average="binary", zero_division=1
            )[:2]
            for each in [*np.unique(CHANCES), 2]
        ]
        assert any(np.allclose(pair, (precision, recall)) for pair in some)
    assert precision_recall.curve(LABELS < 0, CHANCES)["average_precision"] is None


def test_baselines_are_the_frequencies_and_a_linear_model_of_each_label():
    texts = [f"{'red' * int(a)} {'dog' * int(b)} x{n % 7}" for n, (a, b, _) in enumerate(LABELS)]
    found = label_baselines.fit(texts, LABELS, 1)
    same = found["same_labels"](["one", "two"])
    np.testing.assert_allclose(same, np.tile(LABELS.mean(axis=0), (2, 1)))
    linear = found["linear_labels"](["red dog", "x1"])
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    rows = np.random.default_rng(1).permutation(len(texts))
    seen = features.fit_transform([texts[row] for row in rows])
    for label in range(3):
        model = LogisticRegression(C=20, solver="liblinear", random_state=1)
        model.fit(seen, LABELS[rows, label])
        wanted = model.predict_proba(features.transform(["red dog", "x1"]))[:, 1]
        np.testing.assert_allclose(linear[:, label], wanted, atol=1e-6)
    assert label_baselines.fit(texts, LABELS[:, :1], 1)["linear_labels"](["red"]).shape == (1, 1)
    assert list(label_baselines.fit(["?", "!"], LABELS[:2], 1)) == ["same_labels"]
