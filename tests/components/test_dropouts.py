"""Dropout, with a mask for each text and for each number: rate, scale and seed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.dropouts import LockedDropout, dropped

ONES = np.ones((40, 7, 50), np.float32)


def test_a_feature_is_dropped_throughout_a_text_or_not_at_all():
    dropped = np.asarray(LockedDropout(0.3, seed=1)(ONES, training=True))
    np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1], dropped.shape))
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 0.7], rtol=1e-6)
    # 2,000 draws: 0.3 within four standard errors.
    assert abs(np.mean(dropped == 0) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 2000)
    assert np.abs(dropped[0] - dropped[1]).max() > 0


def test_only_in_training_and_from_the_seed():
    np.testing.assert_array_equal(LockedDropout(0.3)(ONES), ONES)
    np.testing.assert_array_equal(LockedDropout(0.0)(ONES, training=True), ONES)
    first, again, other = (
        np.asarray(LockedDropout(0.3, seed)(ONES, training=True)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_half_precision():
    dropped = LockedDropout(0.3, dtype="mixed_bfloat16")(ONES, training=True)
    assert dropped.dtype.name == "bfloat16"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("shape", [(301, 333), (7, 9, 200)])  # an odd and an even size
def test_plain_dropout_has_its_rate_and_scale_in_every_precision(shape, dtype):
    generator = keras.random.SeedGenerator(3)
    found = dropped(tf.fill(shape, tf.constant(2, dtype)), 0.1, generator)
    assert (found.shape, found.dtype) == (shape, dtype)
    found = tf.cast(found, tf.float32).numpy()
    np.testing.assert_allclose(np.unique(found), [0, 2 / 0.9], rtol=4e-3)
    # Within four standard errors.
    assert abs(np.mean(found == 0) - 0.1) < 4 * np.sqrt(0.1 * 0.9 / found.size)


def test_plain_dropout_draws_anew_for_each_call_and_its_gradient_knows_what_was_dropped():
    x = tf.Variable(np.random.default_rng(0).normal(size=(50, 40)))
    one, same = keras.random.SeedGenerator(3), keras.random.SeedGenerator(3)
    with tf.GradientTape() as tape:
        first = dropped(x, 0.3, one)
    kept = np.where(first.numpy() != 0, 1 / 0.7, 0)
    np.testing.assert_allclose(tape.gradient(first, x), kept, rtol=1e-4)
    np.testing.assert_array_equal(dropped(x, 0.3, same), first)
    assert (dropped(x, 0.3, one).numpy() != first.numpy()).any()
    assert dropped(x, 0.0, one) is x
