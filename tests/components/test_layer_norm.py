"""Layer normalization against NumPy, and its written-out derivative against Keras's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.layer_norm import normed

RANDOM = np.random.default_rng(0)
X = (3 * RANDOM.normal(size=(4, 5, 12)) + 2).astype(np.float32)
UPSTREAM = RANDOM.normal(size=X.shape).astype(np.float32)


def made(**options):
    norm = keras.layers.LayerNormalization(epsilon=1e-2, **options)
    norm.build(X.shape)
    for weight in norm.weights:
        weight.assign(np.random.default_rng(1).normal(size=weight.shape))
    return norm


def outputs_and_gradients(norm, x, training):
    variables = [weight.value for weight in norm.weights]
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = normed(norm, x, training)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * UPSTREAM)
    return outputs, *tape.gradient(loss, [x, *variables])


@pytest.mark.parametrize("training", [False, True])
def test_it_is_the_formula(training):
    norm = made()
    gamma, beta = norm.get_weights()
    centred = X - X.mean(axis=-1, keepdims=True)
    expected = centred / np.sqrt(centred.var(axis=-1, keepdims=True) + 1e-2) * gamma + beta
    np.testing.assert_allclose(normed(norm, X, training), expected, atol=1e-5)


@pytest.mark.parametrize(("dtype", "close"), [("float32", 2e-5), ("bfloat16", 0.05)])
def test_training_has_the_same_values_and_gradients(dtype, close):
    policy = "float32" if dtype == "float32" else "mixed_bfloat16"
    norm, x = made(dtype=policy), tf.cast(X, dtype)
    found = outputs_and_gradients(norm, x, training=True)
    expected = outputs_and_gradients(norm, x, training=False)
    for got, wanted in zip(found, expected, strict=True):
        assert got.dtype == wanted.dtype
        got, wanted = (tf.cast(value, tf.float32) for value in (got, wanted))
        np.testing.assert_allclose(got, wanted, atol=close * np.abs(wanted).max())
