"""Draws and their log probabilities, and the gradient they estimate against the exact one."""

from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from components.hard_attention import HardAttention
from pipeline.training.randomness import StepSeeds

BATCH, QUERIES, TOKENS, WIDTH = 3, 2, 4, 3
LENGTHS = np.array([4, 2, 0])
MASK = np.arange(TOKENS) < LENGTHS[:, None]
RANDOM = np.random.default_rng(0)
QUERY = RANDOM.normal(size=(BATCH, QUERIES, WIDTH)).astype(np.float32)
KEYS = RANDOM.normal(size=(BATCH, TOKENS, WIDTH)).astype(np.float32)
VALUES = RANDOM.normal(size=(BATCH, TOKENS, 5)).astype(np.float32)
DRAWS = 20_000


def shares(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def drawn(row, seed=1, draws=DRAWS, **kwargs):
    """(draws, QUERIES) places drawn for one text, and their log probabilities."""
    copies = [np.repeat(x[row : row + 1], draws, axis=0) for x in (QUERY, KEYS, VALUES)]
    mask = np.repeat(MASK[row : row + 1], draws, axis=0)
    layer = HardAttention("dot", seed=seed, **kwargs)
    _, weights, log_probability = layer(*copies, mask=mask, training=True)
    return np.asarray(weights).argmax(-1), np.asarray(weights), np.asarray(log_probability)


def test_the_likeliest_token_is_taken_when_not_training():
    contexts, weights, log_probability = HardAttention("dot")(QUERY, KEYS, VALUES, mask=MASK)
    for b in range(2):
        share = shares(QUERY[b] @ KEYS[b, : LENGTHS[b]].T)
        places = share.argmax(-1)
        np.testing.assert_array_equal(weights[b], np.eye(TOKENS)[places])
        np.testing.assert_array_equal(contexts[b], VALUES[b, places])
        np.testing.assert_allclose(log_probability[b], np.log(share.max(-1)).sum(), atol=1e-5)


def test_an_empty_text_gives_zeros_and_finite_gradients():
    layer, query = HardAttention("dot"), tf.constant(QUERY)
    for training in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(query)
            contexts, weights, log_probability = layer(query, KEYS, mask=MASK, training=training)
        for empty in (contexts[2], weights[2], log_probability[2]):
            np.testing.assert_array_equal(empty, np.zeros(empty.shape))
        gradient = tape.gradient(log_probability, query)
        assert np.isfinite(gradient).all()
        assert not gradient[2].numpy().any()


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("row", [0, 1])
def test_draws_follow_the_weights_and_never_take_padding(row, policy):
    places, weights, _ = drawn(row, dtype=policy)
    np.testing.assert_array_equal(weights.sum(-1), 1)
    share = shares(QUERY[row] @ KEYS[row, : LENGTHS[row]].T)
    for q in range(QUERIES):
        seen = np.bincount(places[:, q], minlength=TOKENS) / DRAWS
        error = 4 * np.sqrt(share[q] * (1 - share[q]) / DRAWS) + (policy != "float32") * 0.01
        assert (np.abs(seen[: LENGTHS[row]] - share[q]) <= error).all()
        assert seen[LENGTHS[row] :].sum() == 0


def test_queries_draw_independently():
    places, _, log_probability = drawn(0)
    share = shares(QUERY[0] @ KEYS[0].T)
    for first, second in product(range(TOKENS), repeat=2):
        both = share[0, first] * share[1, second]
        hits = (places == (first, second)).all(axis=1)
        assert abs(hits.mean() - both) <= 4 * np.sqrt(both * (1 - both) / DRAWS)
        if hits.any():
            np.testing.assert_allclose(log_probability[hits], np.log(both), atol=1e-5)


def test_draws_follow_the_seed_and_the_step():
    assert (drawn(0, seed=1, draws=50)[0] == drawn(0, seed=1, draws=50)[0]).all()
    assert (drawn(0, seed=1, draws=50)[0] != drawn(0, seed=2, draws=50)[0]).any()
    layer = HardAttention("dot", seed=1)
    copies = [np.repeat(x[:1], 50, axis=0) for x in (QUERY, KEYS)]
    first, second = (layer(*copies, training=True)[1] for _ in range(2))
    assert (np.asarray(first) != np.asarray(second)).any()


@pytest.mark.parametrize("xla", [False, True])
def test_draws_bound_to_the_step_are_a_function_of_it(xla):
    query, keys = keras.Input((None, WIDTH)), keras.Input((None, WIDTH))
    model = keras.Model([query, keys], HardAttention("dot", seed=1)(query, keys)[1])
    seeds = StepSeeds(model, seed=7)
    copies = [tf.constant(np.repeat(x[:1], 50, axis=0)) for x in (QUERY, KEYS)]

    @tf.function(jit_compile=xla)
    def weights(step):
        seeds.at(step)
        return model(copies, training=True)

    first, again, other = (weights(tf.constant(step)) for step in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first.numpy() != other.numpy()).any()


class Problem:
    """One text, two queries, and a loss that any pair of places has: all can be enumerated."""

    query, keys, values = (tf.constant(x[:1]) for x in (QUERY, KEYS, VALUES))
    wanted = RANDOM.normal(size=(QUERIES, 5)).astype(np.float32)

    def losses(self, contexts):
        """(N, QUERIES, 5) -> (N,). What one query takes matters to the other."""
        return tf.square(tf.reduce_sum(contexts * self.wanted, axis=(1, 2)) - 1.0) + 5.0

    def exact(self):
        """The expected loss, summed over all places, and its gradients."""
        watched = [self.query, self.keys, self.values]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            share = tf.nn.softmax(self.query[0] @ tf.transpose(self.keys[0]))
            expected = 0.0
            for first, second in product(range(TOKENS), repeat=QUERIES):
                contexts = tf.gather(self.values[0], [first, second])[None]
                expected += share[0, first] * share[1, second] * self.losses(contexts)[0]
        return expected, tape.gradient(expected, watched)

    def estimates(self, baseline):
        """The same gradients from each of many draws: (DRAWS, ...) for each."""
        watched = [tf.repeat(x, DRAWS, axis=0) for x in (self.query, self.keys, self.values)]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            layer = HardAttention("dot", seed=4)
            contexts, _, log_probability = layer(*watched, training=True)
            losses = self.losses(contexts)
            total = losses + tf.stop_gradient(losses - baseline) * log_probability
        return [x.numpy() for x in tape.gradient(total, watched)]


@pytest.mark.parametrize("baseline", [0.0, 6.0])
def test_the_estimate_has_the_mean_of_the_exact_gradient(baseline):
    problem = Problem()
    _, exact = problem.exact()
    for draws, expected in zip(problem.estimates(baseline), exact, strict=True):
        error = draws.std(axis=0) / np.sqrt(DRAWS)
        assert np.abs(expected).max() > 0.1
        assert (np.abs(draws.mean(axis=0) - expected[0]) <= 4 * error + 1e-6).all()
        assert error.max() < 0.2 * np.abs(expected).max()


def test_a_baseline_makes_the_estimate_less_noisy():
    problem = Problem()
    mean, _ = problem.exact()
    without, with_one = problem.estimates(0.0), problem.estimates(mean)
    for one, other in zip(without[:2], with_one[:2], strict=True):
        assert other.var(axis=0).sum() < 0.5 * one.var(axis=0).sum()


def test_no_gradient_of_the_scores_comes_through_a_draw():
    query = tf.constant(QUERY)
    with tf.GradientTape() as tape:
        tape.watch(query)
        contexts, _, _ = HardAttention("dot")(query, KEYS, VALUES, mask=MASK, training=True)
        loss = tf.reduce_sum(ops.square(contexts))
    assert tape.gradient(loss, query) is None
