"""Scores against their formulas, one query and one key at a time, and the softmax of masks."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from components.attention_scores import KINDS, LOWEST, Scores, masked_softmax

BATCH, QUERIES, TOKENS, QUERY, KEY, UNITS = 3, 2, 5, 4, 6, 7
RANDOM = np.random.default_rng(0)
LENGTHS = np.array([5, 2, 0])
MASK = np.arange(TOKENS) < LENGTHS[:, None]

FORMULAS = {
    "dot": lambda q, k, w: sum(q[i] * k[i] for i in range(len(q))),
    "scaled_dot": lambda q, k, w: sum(q[i] * k[i] for i in range(len(q))) / len(q) ** 0.5,
    "general": lambda q, k, w: q @ w["kernel"] @ k,
    "additive": lambda q, k, w: (
        np.tanh(q @ w["query_kernel"] + k @ w["key_kernel"]) @ w["vector"][:, 0]
    ),
    "concat": lambda q, k, w: np.tanh(np.concatenate([q, k]) @ w["kernel"]) @ w["vector"][:, 0],
}


def query_and_keys(kind):
    width = KEY if kind in ("dot", "scaled_dot") else QUERY
    query = RANDOM.normal(size=(BATCH, QUERIES, width)).astype(np.float32)
    return query, RANDOM.normal(size=(BATCH, TOKENS, KEY)).astype(np.float32)


@pytest.mark.parametrize("kind", FORMULAS)
def test_a_score_is_its_formula(kind):
    query, keys = query_and_keys(kind)
    layer = Scores(kind, UNITS, seed=3)
    scores = layer(query, keys)
    weights = {weight.name: weight.numpy().astype(float) for weight in layer.weights}
    for b, q, t in np.ndindex(BATCH, QUERIES, TOKENS):
        expected = FORMULAS[kind](query[b, q].astype(float), keys[b, t].astype(float), weights)
        np.testing.assert_allclose(scores[b, q, t], expected, atol=1e-5)


def test_location_sees_the_query_and_the_position_only():
    query, keys = query_and_keys("location")
    layer = Scores("location", max_length=9, seed=3)
    scores = layer(query, keys)
    columns = layer.kernel.numpy()
    for b, q, t in np.ndindex(BATCH, QUERIES, TOKENS):
        np.testing.assert_allclose(scores[b, q, t], query[b, q] @ columns[:, t], atol=1e-5)
    np.testing.assert_array_equal(layer(query, keys + 1), scores)


def test_location_ignores_tokens_beyond_its_last_position():
    query, keys = query_and_keys("location")
    layer = Scores("location", max_length=3, seed=3)
    scores = np.asarray(layer(query, keys))
    np.testing.assert_allclose(scores[..., :3], query @ layer.kernel.numpy(), atol=1e-5)
    np.testing.assert_array_equal(scores[..., 3:], np.float32(LOWEST))
    weights = np.asarray(masked_softmax(scores))
    np.testing.assert_array_equal(weights[..., 3:], 0)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_weights_are_the_softmax_over_the_tokens_that_count(dtype):
    scores = ops.cast(RANDOM.normal(size=(BATCH, QUERIES, TOKENS)) * 5, dtype)
    weights = np.asarray(masked_softmax(scores, MASK[:, None]))
    assert weights.dtype == np.float32
    exact = np.asarray(ops.cast(scores, "float32")).astype(float)
    for b, q in np.ndindex(BATCH, QUERIES):
        powers = np.exp(exact[b, q, : LENGTHS[b]])
        expected = np.zeros(TOKENS)
        expected[: LENGTHS[b]] = powers / powers.sum()
        np.testing.assert_allclose(weights[b, q], expected, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("size", [1.0, 3e4])
def test_what_is_masked_has_no_gradient_and_nothing_is_nan(dtype, size):
    scores = tf.cast(RANDOM.normal(size=(BATCH, QUERIES, TOKENS)) * size, dtype)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = masked_softmax(scores, MASK[:, None])
        loss = tf.reduce_sum(tf.square(weights) * np.arange(1, TOKENS + 1))
    gradient = tf.cast(tape.gradient(loss, scores), tf.float32).numpy()
    assert np.isfinite(weights).all()
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[np.broadcast_to(~MASK[:, None], gradient.shape)], 0)
    if size == 1.0:
        assert (np.abs(gradient[0]).max(axis=-1) > 1e-3).all()


def test_additive_and_concat_are_one_function():
    query, keys = query_and_keys("concat")
    concat, additive = Scores("concat", UNITS), Scores("additive", UNITS)
    expected, _ = concat(query, keys), additive(query, keys)
    kernel, vector = concat.kernel.numpy(), concat.vector.numpy()
    additive.query_kernel.assign(kernel[:QUERY])
    additive.key_kernel.assign(kernel[QUERY:])
    additive.vector.assign(vector)
    np.testing.assert_allclose(additive(query, keys), expected, atol=1e-6)


def test_the_two_matrices_of_additive_start_apart():
    layer = Scores("additive", UNITS, seed=3)
    layer.build((None, None, KEY), (None, None, KEY))
    assert np.abs(layer.query_kernel.numpy() - layer.key_kernel.numpy()).mean() > 0.1


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="Received: 'cosine'"):
        Scores("cosine")
    for kind in ("dot", "scaled_dot"):
        with pytest.raises(ValueError, match="Received: widths 4 and 6"):
            Scores(kind).build((None, None, QUERY), (None, None, KEY))
    assert set(KINDS) == FORMULAS.keys() | {"location"}


def test_a_text_of_one_token_is_no_mistake(recwarn):
    """Keras warns of a softmax over one entry; all the weight is on it, and no gradient goes on."""
    scores = tf.constant([[[3.0]], [[-2.0]]])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        weights = masked_softmax(scores, np.array([[[True]], [[False]]]))
    assert weights.numpy().ravel().tolist() == [1.0, 0.0]
    assert not tape.gradient(weights, scores).numpy().any()
    assert masked_softmax(scores).numpy().ravel().tolist() == [1.0, 1.0]
    assert not [w for w in recwarn if "softmax" in str(w.message)]
