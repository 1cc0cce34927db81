"""Pairs against NumPy, pair by pair and token by token."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from components.pairs import CrossAttention, PairFeatures

WIDTH = 4
FIRST_LENGTHS, SECOND_LENGTHS = (5, 2, 3, 0), (3, 6, 0, 2)
RANDOM = np.random.default_rng(0)
FIRST = RANDOM.normal(size=(4, 5 + 1, WIDTH)).astype(np.float32)
SECOND = RANDOM.normal(size=(4, 6 + 2, WIDTH)).astype(np.float32)
FIRST_MASK = np.arange(FIRST.shape[1]) < np.array(FIRST_LENGTHS)[:, None]
SECOND_MASK = np.arange(SECOND.shape[1]) < np.array(SECOND_LENGTHS)[:, None]
MASKS = {"mask": FIRST_MASK, "second_mask": SECOND_MASK}


def test_features_of_a_pair_one_can_follow():
    u, v = np.array([[1.0, -2.0]], np.float32), np.array([[3.0, 4.0]], np.float32)
    np.testing.assert_array_equal(PairFeatures()(u, v), [[1, -2, 3, 4, 2, 6, 3, -8]])


def soft(x, others, score):
    """Each token beside its mean of the other text's, token by token: (T, 4D), (T, S)."""
    rows, shares = [], []
    for token in x:
        powers = np.exp([score(token, other) for other in others])
        share = powers / powers.sum()
        mean = share @ others if len(others) else np.zeros_like(token)
        rows.append(np.concatenate([token, mean, token - mean, token * mean]))
        shares.append(share)
    return np.array(rows), np.array(shares)


def scorers(layer):
    weights = {weight.name: weight.numpy().astype(float) for weight in layer.scores.weights}
    return {
        "dot": lambda a, b: a @ b,
        "general": lambda a, b: a @ weights["kernel"] @ b,
        "additive": lambda a, b: (
            np.tanh(a @ weights["query_kernel"] + b @ weights["key_kernel"])
            @ weights["vector"][:, 0]
        ),
    }


@pytest.mark.parametrize("projection", [None, 5])
@pytest.mark.parametrize("score", ["dot", "general", "additive"])
def test_tokens_are_compared_with_what_they_attend_to(score, projection):
    layer = CrossAttention(score, 3, projection, seed=3)
    (first, second), extras = layer(FIRST, SECOND, **MASKS)
    by_hand = scorers(layer)[score]
    sizes = zip(FIRST_LENGTHS, SECOND_LENGTHS, strict=True)
    for n, (length, other_length) in enumerate(sizes):
        a, b = FIRST[n, :length].astype(float), SECOND[n, :other_length].astype(float)
        sides = [
            (first, "attention", soft(a, b, by_hand)),
            (second, "second_attention", soft(b, a, lambda x, y: by_hand(y, x))),
        ]
        for tokens, name, (expected, shares) in sides:
            size, other_size = len(expected), len(shares[0]) if len(shares) else 0
            if projection and size:
                kernel, bias = (w.numpy() for w in layer.project.weights)
                expected = np.maximum(expected @ kernel + bias, 0)
            np.testing.assert_array_equal(tokens[n, size:], 0)
            if size:
                np.testing.assert_allclose(tokens[n, :size], expected, atol=1e-5)
                weights = np.asarray(extras[name][n, :size])
                np.testing.assert_allclose(weights[:, :other_size], shares, atol=1e-6)
                np.testing.assert_array_equal(weights[:, other_size:], 0)


@pytest.mark.parametrize("projection", [None, 5])
def test_padding_of_either_text_changes_nothing(projection):
    layer = CrossAttention("general", projection=projection, seed=3)
    (first, second), extras = layer(FIRST, SECOND, **MASKS)
    if projection:
        layer.project.bias.assign(np.ones(projection))  # which padding must not show
        (first, second), extras = layer(FIRST, SECOND, **MASKS)
    for n in (0, 1):
        t, s = FIRST_LENGTHS[n], SECOND_LENGTHS[n]
        a, b = FIRST[n : n + 1, :t], SECOND[n : n + 1, :s]
        (alone, second_alone), extras_alone = layer(a, b)
        np.testing.assert_allclose(alone[0], first[n, :t], atol=1e-6)
        np.testing.assert_allclose(second_alone[0], second[n, :s], atol=1e-6)
        np.testing.assert_array_equal(first[n, t:], 0)
        np.testing.assert_array_equal(second[n, s:], 0)
        for name, (rows, columns) in {"attention": (t, s), "second_attention": (s, t)}.items():
            expected = extras[name][n, :rows, :columns]
            np.testing.assert_allclose(extras_alone[name][0], expected, atol=1e-6)


def test_dot_is_the_same_for_both_texts_so_swapping_them_swaps_the_answers():
    layer = CrossAttention(projection=5, seed=3)
    (first, second), extras = layer(FIRST, SECOND, **MASKS)
    swapped, swapped_extras = layer(SECOND, FIRST, mask=SECOND_MASK, second_mask=FIRST_MASK)
    np.testing.assert_allclose(swapped[0], second, atol=1e-6)
    np.testing.assert_allclose(swapped[1], first, atol=1e-6)
    np.testing.assert_allclose(swapped_extras["attention"], extras["second_attention"], atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_empty_texts_give_finite_answers_and_gradients(policy):
    layer = CrossAttention("additive", 3, 5, seed=3, dtype=policy)
    inputs = [tf.constant(FIRST), tf.constant(SECOND)]
    layer(*inputs)
    watched = [*inputs, *(v.value for v in layer.trainable_variables)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        (first, second), extras = layer(*inputs, **MASKS)
        loss = sum(tf.reduce_sum(tf.square(ops.cast(x, "float32") - 1)) for x in (first, second))
    assert first.dtype == second.dtype == layer.compute_dtype
    assert {x.dtype.name for x in extras.values()} == {"float32"}
    for name, empty in {"attention": 2, "second_attention": 3}.items():
        np.testing.assert_array_equal(extras[name][empty], 0)
    gradients = tape.gradient(loss, watched)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    np.testing.assert_array_equal(gradients[0][~FIRST_MASK], 0)
    np.testing.assert_array_equal(gradients[1][~SECOND_MASK], 0)


def test_location_is_refused():
    with pytest.raises(ValueError, match="reads one text only"):
        CrossAttention("location")
