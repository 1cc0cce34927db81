"""Weights of classes against scikit-learn's, and their bound."""

import logging

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from configs.tasks import Classify
from pipeline.errors import JobError
from pipeline.tasks import class_weights

LABELS = ["a", "b", "c"]


def weights(chosen, counts):
    learned = np.repeat(np.arange(3), counts)
    return class_weights(Classify(kind="classify", class_weights=chosen), LABELS, learned), learned


def test_balanced_is_scikit_learns_where_no_class_is_very_rare(caplog):
    caplog.set_level(logging.INFO)
    got, learned = weights("balanced", [50, 5, 11])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=learned)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert not caplog.messages


def test_a_class_of_two_texts_weighs_ten_times_as_much_as_others_and_not_thousands(caplog):
    caplog.set_level(logging.INFO)
    got, _ = weights("balanced", [20_000, 10_000, 2])
    np.testing.assert_allclose(got, [30_002 / 60_000, 30_002 / 30_000, 10.0], rtol=1e-6)
    assert "10 at most: 1 of 3 classes would weigh up to 5000" in caplog.text


def test_weights_that_are_named_are_taken_as_they_are():
    got, _ = weights({"c": 500.0}, [5, 5, 5])
    assert got.tolist() == [1.0, 1.0, 500.0]
    with pytest.raises(JobError, match="names no label of the data: d"):
        weights({"d": 2.0}, [5, 5, 5])
