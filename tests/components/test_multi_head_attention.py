"""Heads against the formula in NumPy, of a text to itself, to a memory and from a cache."""

import numpy as np
import pytest

from components.dot_product_attention import attention_bias
from components.multi_head_attention import MultiHeadAttention, written

B, T, S, D, H = 2, 5, 4, 12, 3
K = D // H
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, D)).astype(np.float32)
MEMORY = RANDOM.normal(size=(B, S, D)).astype(np.float32)
VISIBLE = RANDOM.random((B, 1, T, T)) < 0.6
VISIBLE[..., 0] = True


def built(**options):
    layer = MultiHeadAttention(H, **options)
    layer.build((None, None, D))
    random = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape) / 2)
    return layer, {weight.path.split("/")[-1]: weight.numpy() for weight in layer.weights}


def by_hand(queries, keys, values, visible):
    """[head_1; ...; head_H], each of K columns; (T, D), twice (S, D), (T, S) -> (T, D), weights."""
    heads, weights = [], []
    for h in range(H):
        own = slice(h * K, (h + 1) * K)
        powers = np.exp(queries[:, own] @ keys[:, own].T / np.sqrt(K)) * visible
        weights.append(powers / powers.sum(axis=1, keepdims=True))
        heads.append(weights[-1] @ values[:, own])
    return np.concatenate(heads, axis=1), np.array(weights)


def test_a_text_attends_to_itself():
    layer, w = built()
    outputs, more = layer(X, attention_bias(VISIBLE, B), return_weights=True)
    for b in range(B):
        queries, keys, values = np.split(X[b] @ w["qkv_kernel"] + w["qkv_bias"], 3, axis=1)
        heads, weights = by_hand(queries, keys, values, VISIBLE[b, 0])
        expected = heads @ w["output_kernel"] + w["output_bias"]
        np.testing.assert_allclose(outputs[b], expected, atol=1e-5)
        np.testing.assert_allclose(more["weights"][b], weights, atol=1e-6)


def test_a_text_attends_to_a_memory():
    layer, w = built(cross=True)
    seen = np.arange(S) < np.array([4, 2])[:, None]
    bias = attention_bias(seen[:, None, None], B)
    outputs, more = layer(X, bias, memory=MEMORY, return_weights=True)
    for b in range(B):
        queries = X[b] @ w["query_kernel"] + w["query_bias"]
        both = MEMORY[b] @ w["key_value_kernel"] + w["key_value_bias"]
        heads, weights = by_hand(queries, *np.split(both, 2, axis=1), seen[b])
        expected = heads @ w["output_kernel"] + w["output_bias"]
        np.testing.assert_allclose(outputs[b], expected, atol=1e-5)
        np.testing.assert_allclose(more["weights"][b], weights, atol=1e-6)
    again, more = layer(X, bias, memory=layer.read_memory(MEMORY))
    np.testing.assert_array_equal(again, outputs)
    assert more == {}


@pytest.mark.parametrize("tokens", [1, 3])
def test_new_tokens_go_to_their_places_in_the_cache(tokens):
    length, starts = 5, (0, 2, 4)  # what comes beyond the end goes to the last place
    old = RANDOM.normal(size=(3, H, length, K)).astype(np.float32)
    new = RANDOM.normal(size=(3, H, tokens, K)).astype(np.float32)
    places = (np.array(starts)[:, None] + np.arange(tokens)).astype(np.int32)
    found = written(old, new, places)
    expected = old.copy()
    for b, start in enumerate(starts):
        for t in range(tokens):
            expected[b, :, min(start + t, length - 1)] = new[b, :, t]
    np.testing.assert_array_equal(found, expected)


def test_weights_are_dropped_in_training_only():
    layer, _ = built(dropout=0.5, seed=3)
    plain, _ = layer(X)
    np.testing.assert_array_equal(layer(X)[0], plain)
    assert np.abs(layer(X, training=True)[0] - plain).max() > 0.1
    assert np.abs(built()[0](X, training=True)[0] - plain).max() == 0


def test_heads_share_the_width_evenly():
    with pytest.raises(ValueError, match="Received: 5 heads, width 12"):
        MultiHeadAttention(5)(X)


@pytest.mark.parametrize(("width", "deviation"), [(768, 0.02), (192, 0.04)])
def test_first_weights_are_berts_at_its_width(width, deviation):
    layer = MultiHeadAttention(4)
    layer.build((None, None, width))
    kernel, bias = layer.get_weights()[:2]
    assert 1.99 * deviation < np.abs(kernel).max() <= 2 * deviation
    # Of a normal distribution that is cut there, 0.88 of it.
    assert np.std(kernel) == pytest.approx(0.88 * deviation, rel=0.01)
    np.testing.assert_array_equal(bias, 0)
