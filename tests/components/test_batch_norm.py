"""Batch normalization against NumPy and Keras, on the rows that are examples."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.batch_norm import BatchNorm

X = np.random.default_rng(0).normal(2, 3, (6, 4)).astype(np.float32)
REAL = np.array([True, True, False, True, True, False])


def test_training_takes_the_statistics_of_the_real_rows_and_moves_the_averages():
    layer = BatchNorm(momentum=0.8, epsilon=1e-3)
    layer.build(X.shape)
    layer.gamma.assign([1, 2, 3, 4])
    layer.beta.assign([4, 3, 2, 1])
    mean, variance = X[REAL].mean(axis=0), X[REAL].var(axis=0)
    found = layer(X, real=tf.constant(REAL), training=True)
    expected = (X - mean) / np.sqrt(variance + 1e-3) * [1, 2, 3, 4] + [4, 3, 2, 1]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.2 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.8 + 0.2 * variance, rtol=1e-5)
    moved = (X - 0.2 * mean) / np.sqrt(0.801 + 0.2 * variance) * [1, 2, 3, 4] + [4, 3, 2, 1]
    np.testing.assert_allclose(layer(X), moved, rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_kerass_layer_on_the_real_rows_alone():
    ours, theirs = BatchNorm(), keras.layers.BatchNormalization(epsilon=1e-5)
    pull = np.random.default_rng(1).normal(size=X.shape).astype(np.float32) * REAL[:, None]

    def gradients(layer, x, pull, **real):
        x = tf.constant(x)
        layer(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True, **real) * pull)
        return tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)])

    found = gradients(ours, X, pull, real=tf.constant(REAL))
    expected = gradients(theirs, X[REAL], pull[REAL])
    np.testing.assert_array_equal(found[0][~REAL], 0)
    np.testing.assert_allclose(found[0][REAL], expected[0], atol=1e-5)
    for one, other in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("number", [0, 1])
def test_fewer_than_two_rows_have_no_variance(number):
    layer, x = BatchNorm(), tf.constant(X)
    expected = layer(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = layer(x, real=tf.range(6) < number, training=True)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.isfinite(tape.gradient(found, x)).all()
    np.testing.assert_array_equal(layer.moving_variance, 1)
    np.testing.assert_array_equal(layer.moving_mean, 0)
