"""Scaled dot-product attention against its formula, query by query, and masks by their rules."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from components.dot_product_attention import (
    attention_bias,
    dot_product_attention,
    visible_tokens,
)

B, H, Q, T, K = 2, 3, 4, 5, 6
RANDOM = np.random.default_rng(0)
QUERY = RANDOM.normal(size=(B, H, Q, K)).astype(np.float32)
KEYS = RANDOM.normal(size=(B, H, T, K)).astype(np.float32)
VALUES = RANDOM.normal(size=(B, H, T, K)).astype(np.float32)
VISIBLE = RANDOM.random((B, 1, Q, T)) < 0.5
VISIBLE[0, 0, 0] = False
VISIBLE[0, 0, 1] = [True, False, False, False, False]


def test_a_context_is_the_formula():
    """softmax(q . k / sqrt(K)) over the visible keys, times their values, number by number."""
    contexts, weights = dot_product_attention(QUERY, KEYS, VALUES, attention_bias(VISIBLE, B))
    for b, h, q in np.ndindex(B, H, Q):
        seen = [t for t in range(T) if VISIBLE[b, 0, q, t]]
        if not seen:
            continue
        powers = [np.exp(sum(QUERY[b, h, q] * KEYS[b, h, t]) / 6**0.5) for t in seen]
        shares = [power / sum(powers) for power in powers]
        np.testing.assert_allclose(weights[b, h, q].numpy()[seen], shares, atol=1e-6)
        np.testing.assert_array_equal(weights[b, h, q].numpy()[~VISIBLE[b, 0, q]], 0)
        expected = sum(share * VALUES[b, h, t] for share, t in zip(shares, seen, strict=True))
        np.testing.assert_allclose(contexts[b, h, q], expected, atol=1e-6)


def test_without_a_bias_all_is_seen():
    expected = dot_product_attention(QUERY, KEYS, VALUES, np.zeros((1, 1, 1, T), np.float32))
    for got, wanted in zip(dot_product_attention(QUERY, KEYS, VALUES), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_weights_are_float32_and_finite_where_nothing_is_seen(dtype):
    tensors = [tf.cast(tf.constant(x), dtype) for x in (QUERY, KEYS, VALUES)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        contexts, weights = dot_product_attention(*tensors, attention_bias(VISIBLE, B))
        loss = tf.reduce_sum(tf.square(tf.cast(contexts, tf.float32)))
    assert (contexts.dtype, weights.dtype) == (dtype, "float32")
    np.testing.assert_allclose(tf.reduce_sum(weights, -1), 1, atol=1e-6)
    for tensor in (contexts, *tape.gradient(loss, tensors)):
        assert np.isfinite(ops.cast(tensor, "float32")).all()


def test_dropped_weights_are_missing_from_the_mean():
    one_hot = np.broadcast_to(np.eye(8, dtype=np.float32), (200, 3, 8, 8))  # contexts are weights
    even = np.zeros((200, 3, 8, 8), np.float32)
    generator = keras.random.SeedGenerator(3)
    contexts, weights = dot_product_attention(
        even, even, one_hot, dropout=0.25, generator=generator
    )
    np.testing.assert_allclose(weights, 1 / 8)
    np.testing.assert_allclose(np.unique(contexts), [0, 1 / 8 / 0.75], rtol=1e-5)
    # 38,400 draws: 0.25 within four standard errors.
    assert np.mean(np.asarray(contexts) == 0) == pytest.approx(0.25, abs=0.009)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_who_may_look_at_whom(masked, packed, causal):
    mask = np.array([[1, 1, 1, 1, 0], [1, 0, 0, 0, 0]], bool)
    segments = np.array([[1, 1, 2, 2, 0], [1, 0, 0, 0, 0]], np.int32)
    found = visible_tokens(5, mask if masked else None, segments if packed else None, causal)
    if not (masked or packed or causal):
        assert found is None
        assert attention_bias(found, 2) is None
        return
    found = np.broadcast_to(found, (2, 1, 5, 5))
    for b, q, t in np.ndindex(2, 5, 5):
        expected = (
            (not masked or mask[b, t])
            and (not packed or segments[b, q] == segments[b, t])
            and (not causal or t <= q)
        )
        assert found[b, 0, q, t] == expected
