"""The adaptive softmax against PyTorch's and against sums by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.adaptive_softmax import AdaptiveSoftmax

D, V, CUTOFFS = 16, 20, (5, 12)
TARGETS = np.array([[0, 4, 5, 11], [12, 19, 3, 13]], np.int32)
BOTH = pytest.mark.parametrize("gather", [False, True], ids=["portable", "gathered"])
BOTH_TIED = pytest.mark.parametrize("tied", [False, True], ids=["own", "tied"])


def made(seed=7, **arguments):
    """A layer with random weights, hidden vectors and, if it is tied, a table."""
    random = np.random.default_rng(seed)
    layer = AdaptiveSoftmax(V, CUTOFFS, **arguments)
    layer.build((2, 4, D))
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape) / weight.shape[0] ** 0.5)
    hidden = random.normal(size=(2, 4, D)).astype(np.float32)
    table = random.normal(size=(V, D)).astype(np.float32) if layer.tied else None
    return layer, hidden, table


@BOTH
def test_it_is_pytorchs(gather):
    """The numbers are PyTorch 2.13's, in float64, of the weights below:

        m = AdaptiveLogSoftmaxWithLoss(16, 20, [5, 12], div_value=4.0, head_bias=True).double()
        x = torch.tensor(hidden, requires_grad=True); output, _ = m(x, targets)
        (-output).sum().backward()
        {"losses": -output, "gradient": x.grad, "log_probabilities": m.log_prob(x)}

    where the weights are head, head.bias, tail.0.0, tail.0.1, tail.1.0, tail.1.1.
    """
    expected = json.loads(Path(__file__).with_name("adaptive_softmax.json").read_bytes())
    random = np.random.default_rng(7)
    hidden = tf.Variable(random.normal(size=(8, D)).reshape(2, 4, D), dtype=tf.float32)
    head, bias = random.normal(size=(7, D)), random.normal(size=7)
    layer = AdaptiveSoftmax(V, CUTOFFS, gather=gather)
    layer.build((2, 4, D))
    layer.kernel.assign(head[:5])
    layer.cluster_kernel.assign(head[5:])
    layer.bias.assign(np.concatenate([bias[:5], np.zeros(15)]))
    layer.cluster_bias.assign(bias[5:])
    for n, (size, width) in enumerate(((7, 4), (8, 1))):
        layer.projections[n].assign(random.normal(size=(width, D)).T)
        layer.tail_kernels[n].assign(random.normal(size=(size, width)))
    targets = np.array([0, 4, 5, 11, 12, 19, 3, 13]).reshape(2, 4)
    with tf.GradientTape() as tape:
        losses = layer(hidden, targets)
    gradient = tape.gradient(losses, hidden)
    np.testing.assert_allclose(np.ravel(losses), expected["losses"], atol=2e-5)
    np.testing.assert_allclose(np.reshape(gradient, (8, D)), expected["gradient"], atol=2e-5)
    found = np.reshape(layer.log_probabilities(hidden), (8, V))
    np.testing.assert_allclose(found, expected["log_probabilities"], atol=2e-5)


def by_hand(layer, hidden, table, token):
    """p(token | hidden), one exponential after the other; hidden (D,)."""
    w = {weight.path.split("/")[-1]: weight.numpy() for weight in layer.weights}
    head = w["kernel"] if table is None else table[:5]
    entries = [np.exp(hidden @ v + b) for v, b in zip(head, w["bias"], strict=False)]
    pairs = zip(w["cluster_kernel"], w["cluster_bias"], strict=True)
    entries += [np.exp(hidden @ v + b) for v, b in pairs]
    if token < 5:
        return entries[token] / sum(entries)
    n, (start, end) = (1, (5, 12)) if token < 12 else (2, (12, V))
    narrow, members = hidden @ w[f"projection_{n}"], []
    for row in range(start, end):
        own = table[row] @ w[f"projection_{n}"] if layer.tied else w[f"kernel_{n}"][row - start]
        members.append(np.exp(narrow @ own + w["bias"][row]))
    return entries[4 + n] / sum(entries) * members[token - start] / sum(members)


@BOTH_TIED
def test_probabilities_are_those_by_hand_and_sum_to_1(tied):
    layer, hidden, table = made(tied=tied)
    found = np.exp(layer.log_probabilities(hidden, table))
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    expected = [[[by_hand(layer, h, table, w) for w in range(V)] for h in row] for row in hidden]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@BOTH
@BOTH_TIED
def test_the_loss_is_minus_the_targets_log_probability(tied, gather):
    layer, hidden, table = made(tied=tied, gather=gather)
    found = layer.log_probabilities(hidden, table)
    expected = -np.take_along_axis(np.asarray(found), TARGETS[..., None], -1)[..., 0]
    np.testing.assert_allclose(layer(hidden, TARGETS, table=table), expected, atol=1e-5)


@BOTH_TIED
@pytest.mark.parametrize("targets", [TARGETS, TARGETS % 5], ids=["all", "of_the_head_only"])
def test_gathered_places_give_the_same_values_and_gradients(tied, targets):
    def losses_and_gradients(gather):
        layer, hidden, table = made(tied=tied, gather=gather)
        hidden = tf.Variable(hidden)
        table = table if table is None else tf.Variable(table)
        sought = [hidden, *([table] if tied else []), *(v.value for v in layer.trainable_variables)]

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
        def run(targets):
            with tf.GradientTape() as tape:
                losses = layer(hidden, targets, table=table)
                share = tf.reduce_sum(losses * tf.reshape(tf.range(8.0), (2, 4)))
            gradients = tape.gradient(share, sought, unconnected_gradients="zero")
            return losses, [tf.convert_to_tensor(g) for g in gradients]

        losses, gradients = run(targets)
        return [losses.numpy(), *(g.numpy() for g in gradients)]

    for fast, portable in zip(losses_and_gradients(True), losses_and_gradients(False), strict=True):
        np.testing.assert_allclose(fast, portable, atol=1e-5)


@BOTH
def test_a_text_alone_is_the_text_in_a_padded_batch(gather):
    layer, hidden, _ = made(gather=gather)
    padded = np.array([[12, 7, 0, 0], [4, 19, 3, 13]], np.int32)
    alone = layer(hidden[:1, :2], padded[:1, :2])
    np.testing.assert_allclose(layer(hidden, padded)[:1, :2], alone, atol=1e-6)


@pytest.mark.parametrize("cutoffs", [(), (5, 5), (12, 5), (0, 5), (5, 20)])
def test_cutoffs_rise_within_the_vocabulary(cutoffs):
    with pytest.raises(ValueError, match="rise from 1 to vocabulary_size - 1 = 19"):
        AdaptiveSoftmax(V, cutoffs)
