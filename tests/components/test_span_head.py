"""The head of span questions: its scores, its mask, and its loss, against NumPy."""

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from components.span_head import SpanHead, span_loss

B, T, D = 4, 7, 5
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, D)).astype(np.float32)
# Question, context, padding; the last one has no context at all.
CONTEXT = np.array([[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0], [0] * 7])
SPANS = np.array([[3, 5], [2, 2], [0, 0], [0, 0]])


@pytest.fixture
def head():
    """A head whose weights are all alive."""
    made = SpanHead(seed=3)
    made(X)
    made.scores.kernel.assign(RANDOM.normal(size=(D, 2)))
    made.scores.bias.assign([0.5, -0.5])
    return made


def by_hand(head, x, context):
    """(B, 2, T) log-probabilities of first and last tokens."""
    kernel, bias = (np.asarray(weight, np.float64) for weight in head.scores.weights)
    logits = np.moveaxis(x @ kernel + bias, -1, 1)
    closed = context[:, None, :] == 0
    closed[:, :, 0] = False
    return log_softmax(np.where(closed, -np.inf, logits), axis=-1)


def test_the_loss_is_that_of_both_ends_among_the_context_and_no_answer(head):
    wanted = by_hand(head, X, CONTEXT)
    rows = np.arange(B)
    wanted = -(wanted[rows, 0, SPANS[:, 0]] + wanted[rows, 1, SPANS[:, 1]]) / 2
    found = span_loss(head(X, mask=CONTEXT.astype(bool)), SPANS)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert found[3] == 0.0  # as there is nothing to choose from


def test_probabilities_are_none_elsewhere(head):
    outputs = head(X, mask=CONTEXT.astype(bool))
    for place, name in enumerate(("start_logits", "end_logits")):
        chances = np.asarray(keras.ops.softmax(outputs[name]))
        wanted = np.exp(by_hand(head, X, CONTEXT)[:, place])
        np.testing.assert_allclose(chances, wanted, rtol=1e-5, atol=1e-7)
        assert (chances[wanted == 0] == 0).all()


def test_padding_changes_nothing(head):
    for row, length in enumerate((7, 4, 5, 1)):
        one, mask = X[row : row + 1], CONTEXT[row : row + 1].astype(bool)
        long, short = head(one, mask=mask), head(one[:, :length], mask=mask[:, :length])
        for name in long:
            np.testing.assert_allclose(long[name][:, :length], short[name], rtol=1e-6)
        span = SPANS[row : row + 1]
        np.testing.assert_allclose(span_loss(long, span), span_loss(short, span), rtol=1e-6)


def test_logits_are_exact_whatever_the_features_are(head):
    outputs = SpanHead(dtype="mixed_bfloat16")(X, mask=CONTEXT.astype(bool))
    assert {logits.dtype.name for logits in outputs.values()} == {"float32"}
