"""A linear map against NumPy, and what it learns from in training against TensorFlow's own way."""

import numpy as np
import pytest
import tensorflow as tf

from components.linear import linear

RANDOM = np.random.default_rng(0)
ROWS, KERNEL, BIAS, UPSTREAM = (
    RANDOM.normal(size=shape).astype(np.float32) for shape in ((300, 12), (12, 7), (7,), (300, 7))
)


def outputs_and_gradients(dtype, training):
    rows, kernel, bias = tf.cast(ROWS, dtype), tf.Variable(KERNEL), tf.Variable(BIAS)

    @tf.function(input_signature=[tf.TensorSpec([None, 12], dtype)])
    def computed(rows):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            outputs = linear(rows, kernel, bias, training)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * UPSTREAM)
        return outputs, *tape.gradient(loss, [rows, kernel, bias])

    return computed(rows)


@pytest.mark.parametrize("training", [False, True])
def test_it_is_the_formula(training):
    outputs, to_rows, to_kernel, to_bias = outputs_and_gradients("float32", training)
    np.testing.assert_allclose(outputs, ROWS @ KERNEL + BIAS, atol=1e-5)
    np.testing.assert_allclose(to_rows, UPSTREAM @ KERNEL.T, atol=1e-5)
    np.testing.assert_allclose(to_kernel, ROWS.T @ UPSTREAM, atol=1e-4)
    np.testing.assert_allclose(to_bias, UPSTREAM.sum(axis=0), atol=1e-4)


def test_training_in_16_bits_loses_only_the_last_one():
    """The bias's gradient is a sum of 300 numbers in 16 bits, rounded once, not 300 times."""
    found = outputs_and_gradients("bfloat16", training=True)
    rows, kernel, bias, upstream = (
        tf.cast(tf.cast(x, tf.bfloat16), tf.float32).numpy() for x in (ROWS, KERNEL, BIAS, UPSTREAM)
    )
    product = tf.cast(tf.cast(rows @ kernel, tf.bfloat16), tf.float32).numpy()
    *products, to_bias = (tf.cast(x, tf.float32).numpy() for x in found)
    # A processor without instructions for 16 bits rounds a product more than once.
    expected = (product + bias, upstream @ kernel.T, rows.T @ upstream)
    for got, wanted in zip(products, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2**-6, atol=0.02)
    np.testing.assert_allclose(to_bias, upstream.sum(axis=0), rtol=2**-8, atol=0.02)
