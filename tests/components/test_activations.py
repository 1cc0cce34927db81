"""GELU against its definition and its approximation's formula, and the slopes in training."""

import math

import numpy as np
import pytest
import tensorflow as tf

from components.activations import activate

X = np.linspace(-6, 6, 241).astype(np.float32)
BY_HAND = {
    "relu": lambda x: max(x, 0.0),
    "gelu": lambda x: x * 0.5 * math.erfc(-x / math.sqrt(2)),
    "gelu_tanh": lambda x: (
        0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    ),
}
KINDS = pytest.mark.parametrize("kind", BY_HAND)
TRAINING = pytest.mark.parametrize("training", [False, True])


@KINDS
@TRAINING
def test_values_and_slopes(kind, training):
    by_hand, step = BY_HAND[kind], 1e-6
    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        values = activate(x, kind, training)
    np.testing.assert_allclose(values, [by_hand(float(v)) for v in X], atol=1e-6)
    places = np.flatnonzero(X)  # at 0 relu has no slope
    slopes = [(by_hand(v + step) - by_hand(v - step)) / (2 * step) for v in X[places].astype(float)]
    np.testing.assert_allclose(tape.gradient(values, x).numpy()[places], slopes, atol=5e-6)


@KINDS
def test_in_16_bits_training_loses_only_the_last_one(kind):
    x = tf.cast(X, tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = activate(x, kind, training=True)
    slopes = tape.gradient(values, x)
    assert values.dtype == slopes.dtype == "bfloat16"
    exact = [BY_HAND[kind](float(v)) for v in tf.cast(x, tf.float32)]
    np.testing.assert_allclose(tf.cast(values, tf.float32), exact, rtol=2**-8, atol=1e-6)
