"""The full softmax against its formula, by its own vectors and by those of a table."""

import numpy as np
import pytest
import tensorflow as tf

from components.full_softmax import FullSoftmax, cross_entropy
from components.sampled_softmax import SampledSoftmax

B, T, D, V = 3, 4, 6, 50
RANDOM = np.random.default_rng(0)
HIDDEN = RANDOM.normal(size=(B, T, D)).astype(np.float32)
TARGETS = RANDOM.integers(0, V, (B, T)).astype(np.int32)
TABLE = RANDOM.normal(size=(V, D)).astype(np.float32)
LAYERS = [
    (FullSoftmax(V, seed=1), None),
    (FullSoftmax(V, tied=True), TABLE),
    (SampledSoftmax(V, 5, seed=1), None),
    (SampledSoftmax(V, 5, tied=True), TABLE),
]


@pytest.mark.parametrize(("layer", "table"), LAYERS)
def test_the_loss_is_minus_the_log_of_the_targets_probability(layer, table):
    layer.build((B, T, D))
    layer.bias.assign(RANDOM.normal(size=V))
    kernel = layer.kernel.numpy() if table is None else table
    scores = HIDDEN.astype(np.float64) @ kernel.T + layer.bias.numpy()
    expected = np.log(np.exp(scores) / np.exp(scores).sum(-1, keepdims=True))
    np.testing.assert_allclose(layer.log_probabilities(HIDDEN, table), expected, atol=1e-5)
    losses = -np.take_along_axis(expected, TARGETS[..., None], -1)[..., 0]
    np.testing.assert_allclose(layer(HIDDEN, TARGETS, table=table), losses, atol=1e-5)


def test_derivatives_are_those_of_the_portable_way():
    """Targets that cost nothing, next to nothing and so much that their probability is 0."""
    scores = RANDOM.normal(0, 3, (B, T, V)).astype(np.float32)
    scores[0, 0, TARGETS[0, 0]] += 300.0
    scores[0, 1, TARGETS[0, 1]] -= 300.0
    upstream = RANDOM.normal(size=(B, T)).astype(np.float32)
    found = []
    for way in (cross_entropy, tf.nn.sparse_softmax_cross_entropy_with_logits):
        with tf.GradientTape() as tape:
            watched = tf.constant(scores)
            tape.watch(watched)
            losses = way(TARGETS, watched)
        found.append((losses, tape.gradient(losses, watched, upstream)))
    (losses, gradient), (its_losses, its_gradient) = found
    assert losses[0, 0] == 0
    assert losses[0, 1] > 250
    np.testing.assert_allclose(losses, its_losses, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradient, its_gradient, atol=1e-5)


def test_a_target_that_is_no_token_is_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError):
        cross_entropy(np.full((B, T), V), np.zeros((B, T, V), np.float32))


def test_a_tied_layer_owns_its_biases_only():
    layer = FullSoftmax(V, tied=True)
    layer(HIDDEN, TARGETS, table=TABLE)
    assert [weight.path.split("/")[-1] for weight in layer.weights] == ["bias"]


def test_probabilities_in_16_bits_are_float32():
    layer = FullSoftmax(V, tied=True, dtype="mixed_bfloat16")
    layer.build((B, T, D))
    found = layer.log_probabilities(HIDDEN, TABLE)
    assert found.dtype == "float32"
    np.testing.assert_allclose(np.exp(found).sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize(("tied", "table"), [(True, None), (False, TABLE)])
def test_a_table_is_given_where_the_layer_is_tied(tied, table):
    with pytest.raises(ValueError, match=f"tied is {tied}"):
        FullSoftmax(V, tied=tied)(HIDDEN, TARGETS, table=table)
