"""Contexts against NumPy, one query at a time, and against Keras's attention layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from components.attention import Attention
from components.attention_scores import KINDS

BATCH, QUERIES, TOKENS, WIDTH, VALUE, UNITS = 3, 2, 5, 6, 4, 7
LENGTHS = np.array([5, 2, 0])
MASK = np.arange(TOKENS) < LENGTHS[:, None]
RANDOM = np.random.default_rng(0)
QUERY = RANDOM.normal(size=(BATCH, QUERIES, WIDTH)).astype(np.float32)
KEYS = RANDOM.normal(size=(BATCH, TOKENS, WIDTH)).astype(np.float32)
VALUES = RANDOM.normal(size=(BATCH, TOKENS, VALUE)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_a_context_is_the_weighted_mean_of_a_texts_values(kind):
    layer = Attention(kind, UNITS, max_length=4, seed=3)
    contexts, weights = layer(QUERY, KEYS, VALUES, mask=MASK)
    scores = np.asarray(layer.scores(QUERY, KEYS)).astype(float)
    for b, q in np.ndindex(BATCH, QUERIES):
        powers = np.exp(scores[b, q, : LENGTHS[b]])
        share = powers / powers.sum()
        np.testing.assert_allclose(weights[b, q, : LENGTHS[b]], share, atol=1e-6)
        np.testing.assert_array_equal(weights[b, q, LENGTHS[b] :], 0)
        expected = share @ VALUES[b, : LENGTHS[b]] if LENGTHS[b] else np.zeros(VALUE)
        np.testing.assert_allclose(contexts[b, q], expected, atol=1e-6)


def test_without_values_the_keys_are_the_values():
    layer = Attention("general", seed=3)
    expected, _ = layer(QUERY, KEYS, KEYS, mask=MASK)
    np.testing.assert_array_equal(layer(QUERY, KEYS, mask=MASK)[0], expected)


def test_dot_attention_is_that_of_keras():
    theirs = keras.layers.Attention()
    expected = theirs([QUERY, VALUES, KEYS], mask=[None, MASK], return_attention_scores=True)
    ours = Attention("dot")(QUERY, KEYS, VALUES, mask=MASK)
    for got, wanted in zip(ours, expected, strict=True):  # theirs is not 0 for an empty text
        np.testing.assert_allclose(got[:2], wanted[:2], atol=1e-6)


def test_additive_attention_is_that_of_keras():
    ours, theirs = Attention("additive", WIDTH), keras.layers.AdditiveAttention()
    ours(QUERY, KEYS)
    expected = theirs([QUERY, VALUES, KEYS], mask=[None, MASK], return_attention_scores=True)
    ours.scores.query_kernel.assign(np.eye(WIDTH))
    ours.scores.key_kernel.assign(np.eye(WIDTH))
    ours.scores.vector.assign(theirs.scale.numpy()[:, None])
    for got, wanted in zip(ours(QUERY, KEYS, VALUES, mask=MASK), expected, strict=True):
        np.testing.assert_allclose(got[:2], wanted[:2], atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_text_gives_zeros_and_finite_gradients(kind, policy):
    layer = Attention(kind, UNITS, max_length=4, seed=3, dtype=policy)
    inputs = [tf.constant(QUERY), tf.constant(KEYS), tf.constant(VALUES)]
    layer(*inputs)
    watched = [*inputs, *(v.value for v in layer.trainable_variables)]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        contexts, weights = layer(*inputs, mask=MASK)
        loss = tf.reduce_sum(tf.square(ops.cast(contexts, "float32") - 1))
    np.testing.assert_array_equal(ops.cast(contexts, "float32")[2], 0)
    np.testing.assert_array_equal(weights[2], 0)
    assert weights.dtype == "float32"
    query, keys, values, *rest = tape.gradient(loss, watched)
    for gradient in (keys, values, *rest, query):
        assert gradient is None or np.isfinite(gradient).all()
    assert query is None or not np.asarray(query)[2].any()
    np.testing.assert_array_equal(values[~MASK], 0)
    assert np.abs(values[MASK]).min() > 0 or kind == "location"
