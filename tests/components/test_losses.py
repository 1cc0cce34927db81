"""Losses against the formulas of their papers, in NumPy's float64, and against Keras's."""

import keras
import numpy as np
import pytest
from keras import ops

from components.losses import sigmoid_cross_entropy, softmax_cross_entropy, squared_error

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(5, 4)) * 3
LABELS = np.array([0, 3, 1, 2, 3])
PRESENT = RANDOM.integers(0, 2, (5, 4))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_softmax_cross_entropy(smoothing):
    probabilities = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    targets = (1 - smoothing) * np.eye(4)[LABELS] + smoothing / 4
    expected = -(targets * np.log(probabilities)).sum(axis=1)
    got = softmax_cross_entropy(ops.convert_to_tensor(LOGITS), LABELS, smoothing)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    theirs = keras.losses.categorical_crossentropy(
        np.eye(4)[LABELS], ops.convert_to_tensor(LOGITS), True, smoothing
    )
    np.testing.assert_allclose(got, theirs, rtol=1e-5)


def test_sigmoid_cross_entropy():
    p = 1 / (1 + np.exp(-LOGITS))
    expected = -(PRESENT * np.log(p) + (1 - PRESENT) * np.log(1 - p)).mean(axis=1)
    got = sigmoid_cross_entropy(ops.convert_to_tensor(LOGITS), PRESENT)
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_squared_error():
    got = squared_error(ops.convert_to_tensor([[1.0], [-2.0]]), [3.0, -2.5])
    np.testing.assert_allclose(got, [4.0, 0.25])


def test_large_logits_stay_finite():
    large = ops.convert_to_tensor([[1e4, -1e4]])
    np.testing.assert_allclose(softmax_cross_entropy(large, [1]), [2e4])
    np.testing.assert_allclose(sigmoid_cross_entropy(large, [[0, 1]]), [1e4])


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (softmax_cross_entropy, LABELS[:1]),
        (sigmoid_cross_entropy, PRESENT[:1]),
        (squared_error, [1]),
    ],
)
def test_losses_are_float32_for_logits_of_8_bits(loss, targets):
    logits = ops.cast(ops.convert_to_tensor(LOGITS[:1]), "bfloat16")
    assert loss(logits, targets).dtype.name == "float32"
    assert loss(logits, targets).shape == (1,)
