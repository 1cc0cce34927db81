"""What taggers are trained on and answer, on one device, on two, and exported."""

import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax, softmax

from components import crf
from components.heads import LinearHead
from components.tag_heads import CrfHead, SoftmaxTagHead, decode, tag_loss

B, T, D, C = 4, 6, 5, 3
LENGTHS = np.array([6, 3, 1, 0])
MASK = np.arange(T) < LENGTHS[:, None]
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, D)).astype(np.float32)
TAGS = np.where(MASK, RANDOM.integers(C, size=(B, T)), -1)
# B-X, I-X, O: I-X neither begins a text nor follows O.
ALLOWED = (
    np.array([[1, 1, 1], [1, 1, 1], [1, 0, 1]], bool),
    np.array([1, 0, 1], bool),
    np.array([1, 1, 1], bool),
)


@pytest.fixture(params=[SoftmaxTagHead, CrfHead])
def head(request):
    """A head whose weights are all alive."""
    made = request.param(C, dropout=0.5, seed=3)
    made(X)
    random = np.random.default_rng(1)
    for weight in made.weights:
        weight.assign(random.normal(size=weight.shape) * 2)
    return made


def test_logits_are_those_of_the_linear_head(head):
    linear = LinearHead(C)
    linear.build(X.shape)
    linear.set_weights(head.scores.get_weights())
    np.testing.assert_array_equal(head(X)["logits"], linear(X))


def test_a_new_crf_is_a_softmax():
    new, softmax_head = CrfHead(C, seed=3), SoftmaxTagHead(C, seed=3)
    one, other = new(X), softmax_head(X)
    assert {name: value.shape for name, value in one.items()} == {
        "logits": (B, T, C),
        "transitions": (B, C, C),
        "first": (B, C),
        "last": (B, C),
    }
    np.testing.assert_allclose(tag_loss(one, TAGS, MASK), tag_loss(other, TAGS, MASK), atol=1e-6)
    for a, b in zip(decode(one, MASK), decode(other, MASK), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_softmax_loss_is_the_mean_over_a_texts_words():
    outputs = SoftmaxTagHead(C, seed=3)(X)
    logs = log_softmax(np.asarray(outputs["logits"], float), axis=-1)
    expected = [
        -np.mean([logs[row, t, TAGS[row, t]] for t in range(n)]) if n else 0.0
        for row, n in enumerate(LENGTHS)
    ]
    np.testing.assert_allclose(tag_loss(outputs, TAGS, MASK), expected, rtol=1e-5)


def test_crf_loss_and_answers_are_those_of_the_crf():
    head = CrfHead(C, seed=3)
    outputs = head(X)
    for weight in head.weights:
        weight.assign(weight + RANDOM.normal(size=weight.shape))
    outputs = head(X)
    chain = head.transitions, head.first, head.last
    whole = crf.negative_log_likelihood(outputs["logits"], MASK, TAGS, *chain)
    found = np.asarray(tag_loss(outputs, TAGS, MASK))
    np.testing.assert_allclose(found * np.maximum(LENGTHS, 1), whole, rtol=1e-5)
    tags, chances = decode(outputs, MASK)
    np.testing.assert_array_equal(tags, crf.viterbi(outputs["logits"], MASK, *chain))
    marginals = np.asarray(crf.marginals(outputs["logits"], MASK, *chain))
    for row, n in enumerate(LENGTHS):
        expected = [marginals[row, t, tag] for t, tag in enumerate(np.asarray(tags)[row, :n])]
        np.testing.assert_allclose(np.asarray(chances)[row, :n], expected, rtol=1e-5)


def test_padding_changes_no_loss_no_gradient_and_no_answer(head):
    garbage = np.where(MASK[..., None], X, 1e6).astype(np.float32)
    variables = [v.value for v in head.trainable_variables]

    def everything(x, mask, tags):
        with tf.GradientTape() as tape:
            losses = tag_loss(head(x), tags, mask)
        gradients = tape.gradient(losses, variables)
        return losses, *decode(head(x), mask), *gradients

    padded = everything(garbage, MASK, TAGS)
    alone = [
        everything(X[r : r + 1, :n], MASK[r : r + 1, :n], TAGS[r : r + 1, :n])
        for r, n in enumerate(LENGTHS)
        if n
    ]
    for row, (loss, tags, chances, *_) in enumerate(alone):
        n = LENGTHS[row]
        assert float(padded[0][row]) == pytest.approx(float(loss[0]), rel=1e-5)
        np.testing.assert_array_equal(padded[1][row, :n], tags[0])
        np.testing.assert_allclose(padded[2][row, :n], chances[0], rtol=1e-5)
        assert not np.asarray(padded[1])[row, n:].any()
        assert not np.asarray(padded[2])[row, n:].any()
    assert float(padded[0][-1]) == 0.0
    for i, gradient in enumerate(padded[3:]):
        by_text = sum(np.asarray(each[3 + i]) for each in alone)
        np.testing.assert_allclose(gradient, by_text, atol=1e-4)


def test_what_a_scheme_forbids_is_never_answered(head):
    """Against all allowed sequences: the best of them, and its tags' share of their chances."""
    outputs = dict(head(X))
    # I-X everywhere, were it allowed.
    outputs["logits"] = outputs["logits"] / 4 + np.array([0, 3, 0], np.float32)
    free, _ = decode(outputs, MASK)
    tags, chances = (np.asarray(x) for x in decode(outputs, MASK, ALLOWED))
    follow, may_begin, _ = ALLOWED
    scores = {
        "transitions": np.zeros((1, C, C)),
        "first": np.zeros((1, C)),
        "last": np.zeros((1, C)),
    }
    scores = {name: np.asarray(x, float)[0] for name, x in (scores | outputs).items()}
    allowed = [
        y
        for y in itertools.product(range(C), repeat=T)
        if may_begin[y[0]] and all(follow[pair] for pair in itertools.pairwise(y))
    ]
    totals = np.array(
        [
            sum(scores["logits"][t, tag] for t, tag in enumerate(y))
            + sum(scores["transitions"][pair] for pair in itertools.pairwise(y))
            + scores["first"][y[0]]
            + scores["last"][y[-1]]
            for y in allowed
        ]
    )
    best = allowed[totals.argmax()]
    assert tuple(np.asarray(free)[0]) != best  # or this would prove nothing
    assert tuple(tags[0]) == best
    weights = softmax(totals)
    shares = [
        sum(w for w, y in zip(weights, allowed, strict=True) if y[t] == best[t]) for t in range(T)
    ]
    np.testing.assert_allclose(chances[0], shares, rtol=1e-4)
    assert not tags[~MASK].any()


def test_losses_are_exact_whatever_the_model_computes_in():
    """Weights and scores stay in 32 bits: only the features are rounded."""
    head = CrfHead(C, dropout=0.0, dtype="mixed_bfloat16")
    head(X)
    values = RANDOM.normal(size=(C, C)).astype(np.float32)
    head.transitions.assign(values)
    outputs = head(X)
    assert {value.dtype for value in outputs.values()} == {tf.float32}
    np.testing.assert_array_equal(outputs["transitions"][1], values)
    assert tag_loss(outputs, TAGS, MASK).dtype == tf.float32


def test_a_saved_model_answers_the_same(head, tmp_path):
    inputs = keras.Input((None, D), name="x")
    model = keras.Model(inputs, head(inputs))

    class Servable(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = [weight.value for weight in model.weights]

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None, D], name="x"),
                tf.TensorSpec([None, None], tf.bool, name="mask"),
            ]
        )
        def answer(self, x, mask):
            tags, chances = decode(model(x), mask, ALLOWED)
            return {"tags": tags, "chances": chances}

    servable = Servable()
    tf.saved_model.save(servable, str(tmp_path), {"serving_default": servable.answer})
    loaded = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    for rows, words in ((B, T), (1, 1)):
        x, mask = tf.constant(X[:rows, :words]), tf.constant(MASK[:rows, :words])
        found = loaded(x=x, mask=mask)
        tags, chances = decode(head(X[:rows, :words]), MASK[:rows, :words], ALLOWED)
        np.testing.assert_array_equal(found["tags"], tags)
        np.testing.assert_allclose(found["chances"], chances, rtol=1e-5)


TWO_DEVICES = """
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
from components.tag_heads import CrfHead, decode, tag_loss

random = np.random.default_rng(0)
x = random.normal(size=(4, 6, 5)).astype(np.float32)
mask = np.arange(6) < np.array([6, 3, 1, 0])[:, None]
tags = random.integers(3, size=(4, 6))
with strategy.scope():
    head = CrfHead(3, dropout=0.0)
    head.build(x.shape)
for weight in head.weights:
    weight.assign(random.normal(size=weight.shape))

def summed(x, mask, tags):
    with tf.GradientTape() as tape:
        outputs = head(x)
        loss = tf.reduce_sum(tag_loss(outputs, tags, mask))
    return loss, tape.gradient(loss, [v.value for v in head.trainable_variables]), outputs

@tf.function
def on_two(x, mask, tags):
    def own():
        context = tf.distribute.get_replica_context()
        start = 2 * context.replica_id_in_sync_group
        rows = slice(start, start + 2)
        loss, gradients, outputs = summed(x[rows], mask[rows], tags[rows])
        return context.all_reduce("SUM", [loss, *gradients]), outputs
    sums, outputs = strategy.run(own)
    local = lambda value: strategy.experimental_local_results(value)[0]
    gathered = {name: strategy.gather(value, axis=0) for name, value in outputs.items()}
    return tf.nest.map_structure(local, sums), gathered

(loss, *gradients), outputs = on_two(x, mask, tags)
one_loss, one_gradients, one_outputs = summed(x, mask, tags)
np.testing.assert_allclose(loss, one_loss, rtol=1e-5)
for one, two in zip(one_gradients, gradients, strict=True):
    np.testing.assert_allclose(one, two, atol=1e-5)
for one, two in zip(decode(one_outputs, mask), decode(outputs, mask), strict=True):
    np.testing.assert_allclose(one, two, atol=1e-5)
print("the same")
"""


def test_two_devices_learn_and_answer_as_one():
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True)
    assert done.stdout == "the same\n", done.stderr
