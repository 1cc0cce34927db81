"""Every score against scikit-learn or scipy, on all examples once and on a resample."""

import numpy as np
import pytest
from scipy import special, stats
from sklearn import metrics

from pipeline.evaluation import calibration, scores

RANDOM = np.random.default_rng(0)
N, C = 60, 5
COUNTS = RANDOM.multinomial(N, np.full(N, 1 / N), size=3)
# Each example as often as it counts: what a score with counts must equal.
ROWS = [np.arange(N), *(np.repeat(np.arange(N), counts) for counts in COUNTS)]
WEIGHTS = np.concatenate([np.ones((1, N)), COUNTS]).astype(float)


def check(score, oracle):
    assert score(WEIGHTS) == pytest.approx([oracle(rows) for rows in ROWS])


def test_classify():
    labels, logits = RANDOM.integers(C, size=N), RANDOM.normal(size=(N, C)).astype(np.float32)
    predicted, chances = logits.argmax(1), special.softmax(logits.astype(float), axis=1)
    found = scores.classify(labels, logits)
    check(found["accuracy"], lambda r: metrics.accuracy_score(labels[r], predicted[r]))
    check(found["macro_f1"], lambda r: metrics.f1_score(labels[r], predicted[r], average="macro"))
    check(found["matthews"], lambda r: metrics.matthews_corrcoef(labels[r], predicted[r]))
    check(found["nll"], lambda r: metrics.log_loss(labels[r], chances[r], labels=range(C)))


def test_a_class_that_nobody_names_does_not_lower_macro_f1():
    labels, logits = np.array([0, 1, 0, 1]), np.eye(9)[[0, 1, 1, 1]]
    value = scores.classify(labels, logits)["macro_f1"](np.ones((1, 4)))
    assert value == pytest.approx([metrics.f1_score(labels, [0, 1, 1, 1], average="macro")])


def test_answers_that_are_all_alike_have_no_correlation():
    labels, logits = np.array([0, 1, 0, 1]), np.eye(2)[[1, 1, 1, 1]]
    assert scores.classify(labels, logits)["matthews"](np.ones((1, 4))) == [0.0]


def test_by_class():
    labels, predicted = RANDOM.integers(C, size=(2, N))
    found = scores.by_class(labels, predicted, C)
    for position, name in enumerate(["precision", "recall", "f1"]):
        expected = [
            metrics.precision_recall_fscore_support(labels[rows], predicted[rows], labels=range(C))
            for rows in ROWS
        ]
        assert found[name](WEIGHTS) == pytest.approx(np.array([e[position] for e in expected]))


def test_multilabel():
    labels = (RANDOM.random((N, C)) < 0.4).astype(np.float32)
    logits = RANDOM.normal(size=(N, C))
    thresholds = np.linspace(0.2, 0.6, C)
    predicted = special.expit(logits) > thresholds
    found = scores.multilabel(labels, logits, thresholds)
    for average in ("micro", "macro"):
        check(
            found[f"{average}_f1"],
            lambda r, a=average: metrics.f1_score(labels[r], predicted[r], average=a),
        )
    check(found["subset_accuracy"], lambda r: metrics.accuracy_score(labels[r], predicted[r]))
    check(
        found["nll"],
        lambda r: C * metrics.log_loss(labels[r].ravel(), special.expit(logits[r]).ravel()),
    )


def test_regress():
    labels = RANDOM.integers(6, size=N).astype(float)  # with ties
    values = labels + RANDOM.normal(size=N).round(1)
    found = scores.regress(labels, values)
    check(found["rmse"], lambda r: metrics.root_mean_squared_error(labels[r], values[r]))
    check(found["mae"], lambda r: metrics.mean_absolute_error(labels[r], values[r]))
    check(found["pearson"], lambda r: stats.pearsonr(labels[r], values[r]).statistic)
    check(found["spearman"], lambda r: stats.spearmanr(labels[r], values[r]).statistic)


def test_the_correlation_of_constant_answers_is_not_defined():
    found = scores.regress(np.arange(4.0), np.ones(4))
    assert np.isnan([found[name](np.ones((1, 4))) for name in ("pearson", "spearman")]).all()


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.97, 0.55, 0.58, 1.0])
    correct = np.array([True, False, True, True, True])
    # (14/15, 1] holds three: 2/3 right at 0.97333; (8/15, 9/15] two: all right at 0.565.
    expected = 3 / 5 * abs(2 / 3 - 2.92 / 3) + 2 / 5 * (1 - 0.565)
    assert calibration.error(confidence, correct)(np.ones((1, 5))) == pytest.approx([expected])
    bins = calibration.bins(confidence, correct)
    assert [b["n"] for b in bins] == [2, 3]
    assert bins[1] == pytest.approx(
        {"low": 14 / 15, "high": 1.0, "n": 3, "confidence": 2.92 / 3, "accuracy": 2 / 3}
    )


def test_a_calibrated_model_has_a_small_error():
    confidence = RANDOM.uniform(0.3, 1.0, size=50_000)
    correct = RANDOM.random(50_000) < confidence
    assert calibration.error(confidence, correct)(np.ones((1, 50_000)))[0] < 0.01
    assert calibration.error(confidence, ~correct)(np.ones((1, 50_000)))[0] > 0.2
