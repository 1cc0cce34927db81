"""The CRF against sums and maxima over all tag sequences, written out."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp

from components import crf

LENGTHS = (4, 3, 2, 1, 0)
B, T, C = len(LENGTHS), max(LENGTHS), 3
MASK = np.arange(T) < np.array(LENGTHS)[:, None]
RANDOM = np.random.default_rng(0)
TAGS = RANDOM.integers(C, size=(B, T))
TAGS[~MASK] = [[-1, 7, 0, 2, 1, 2, -1, 0, 1, 2][i] for i in range((~MASK).sum())]


def parameters(scale, seed=1):
    """Logits, with garbage where there is no word, transitions, first and last."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(B, T, C)) * scale
    logits[~MASK] = np.resize([1e4, -np.inf, np.nan, np.inf, 3.0], (~MASK).sum())[:, None]
    chain = [random.normal(size=shape) * scale for shape in ((C, C), (C,), (C,))]
    return [x.astype(np.float32) for x in (logits, *chain)]


def score(tags, logits, transitions, first, last):
    """One text's sequence, added up by hand; the counts are the score's gradient."""
    counts = [np.zeros(x.shape) for x in (logits, transitions, first, last)]
    for t, tag in enumerate(tags):
        counts[0][t, tag] += 1
    for before, after in itertools.pairwise(tags):
        counts[1][before, after] += 1
    if len(tags):
        counts[2][tags[0]] += 1
        counts[3][tags[-1]] += 1
    parts = (logits, transitions, first, last)
    return sum(
        (np.where(c > 0, x, 0) * c).sum() for c, x in zip(counts, parts, strict=True)
    ), counts


def brute(logits, transitions, first, last):
    """For each text ln Z, expected counts, and the best sequence, in 64 bits."""
    logits, *chain = (x.astype(float) for x in (logits, transitions, first, last))
    found = []
    for row, length in enumerate(LENGTHS):
        sequences = list(itertools.product(range(C), repeat=length))
        scored = [score(tags, logits[row], *chain) for tags in sequences]
        scores = np.array([s for s, _ in scored])
        total = logsumexp(scores)
        chances = np.exp(scores - total)
        expected = [
            sum(p * counts[i] for p, (_, counts) in zip(chances, scored, strict=True))
            for i in range(4)
        ]
        found.append((total, expected, sequences[int(scores.argmax())]))
    return found


SCALES = pytest.mark.parametrize("scale", [0.5, 5.0, 200.0])


@SCALES
def test_log_partition_and_its_gradient(scale):
    arrays = [tf.constant(x) for x in parameters(scale)]
    with tf.GradientTape() as tape:
        tape.watch(arrays)
        total = crf.log_partition(arrays[0], MASK, *arrays[1:])
        weighted = tf.reduce_sum(total * np.arange(1.0, B + 1, dtype=np.float32))
    gradients = tape.gradient(weighted, arrays)
    expected = brute(*parameters(scale))
    np.testing.assert_allclose(total, [e[0] for e in expected], rtol=1e-6, atol=1e-6)
    for row in range(B):
        found = np.asarray(gradients[0])[row] / (row + 1)
        np.testing.assert_allclose(found, expected[row][1][0], atol=2e-6 * max(1, scale))
    for i in (1, 2, 3):
        by_hand = sum((row + 1) * expected[row][1][i] for row in range(B))
        np.testing.assert_allclose(gradients[i], by_hand, atol=2e-5 * max(1, scale))


@SCALES
def test_sequence_score_and_its_gradient(scale):
    arrays = [tf.constant(x) for x in parameters(scale)]
    with tf.GradientTape() as tape:
        tape.watch(arrays)
        found = crf.sequence_score(arrays[0], MASK, TAGS, *arrays[1:])
    gradients = tape.gradient(found, arrays)
    logits, *chain = parameters(scale)
    expected = [score(TAGS[r, :n], logits[r], *chain) for r, n in enumerate(LENGTHS)]
    np.testing.assert_allclose(found, [s for s, _ in expected], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(gradients[0], [counts[0] for _, counts in expected])
    for i in (1, 2, 3):
        np.testing.assert_array_equal(gradients[i], sum(counts[i] for _, counts in expected))


def test_likelihoods_of_all_sequences_add_up_to_one():
    arrays = parameters(2.0)
    total = np.zeros(B)
    for tags in itertools.product(range(C), repeat=T):
        loss = crf.negative_log_likelihood(arrays[0], MASK, np.tile(tags, (B, 1)), *arrays[1:])
        total += np.exp(-np.asarray(loss))
    # A shorter text meets each of its sequences once for each way to fill up the padding.
    np.testing.assert_allclose(total, [C ** (T - length) for length in LENGTHS], rtol=1e-5)
    assert float(loss[-1]) == 0.0  # no words, nothing to say


@SCALES
def test_marginals(scale):
    arrays = parameters(scale)
    found = np.asarray(crf.marginals(arrays[0], MASK, *arrays[1:]))
    expected = np.stack([e[1][0] for e in brute(*arrays)])
    np.testing.assert_allclose(found, expected, atol=2e-6 * max(1, scale))
    np.testing.assert_allclose(found.sum(axis=-1), MASK, atol=1e-6)


def test_probabilities_of_a_long_text_are_as_exact_as_those_of_a_short_one():
    """400 words, of a score of thousands, against the same sums in 64 bits."""
    random = np.random.default_rng(4)
    logits = random.normal(size=(400, C)).astype(np.float32) * 5
    chain = [random.normal(size=s).astype(np.float32) for s in ((C, C), (C,), (C,))]
    exact, (transitions, first, last) = logits.astype(float), (x.astype(float) for x in chain)
    before, after = np.empty((2, 400, C))
    before[0], after[-1] = first + exact[0], last
    for t in range(1, 400):
        before[t] = logsumexp(before[t - 1][:, None] + transitions, axis=0) + exact[t]
        after[-1 - t] = logsumexp(transitions + exact[-t] + after[-t], axis=1)
    total = logsumexp(before[-1] + last)
    assert total > 1000
    mask = np.ones((1, 400), bool)
    found = np.asarray(crf.marginals(logits[None], mask, *chain))[0]
    np.testing.assert_allclose(found, np.exp(before + after - total), atol=2e-6)
    assert float(crf.log_partition(logits[None], mask, *chain)[0]) == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_viterbi(seed):
    arrays = parameters(1.0, seed)
    found = np.asarray(crf.viterbi(arrays[0], MASK, *arrays[1:]))
    for row, (_, _, best) in enumerate(brute(*arrays)):
        assert found[row].tolist() == [*best, *[0] * (T - len(best))]


def test_viterbi_of_equal_sequences_is_one_of_them():
    """Both 0 1 and 1 0 are best, while the best tags one by one are neither."""
    transitions = np.array([[-9, 0, -9], [0, -9, -9], [-9, -9, -9]], np.float32)
    zeros = np.zeros((1, 6, C), np.float32)
    found = crf.viterbi(zeros, np.ones((1, 6), bool), transitions, np.zeros(C), np.zeros(C))
    assert np.asarray(found)[0].tolist() in ([0, 1] * 3, [1, 0] * 3)


def test_a_text_alone_is_the_text_in_a_long_padded_batch():
    random = np.random.default_rng(2)
    logits = random.normal(size=(1, 300, C)).astype(np.float32) * 10
    chain = [random.normal(size=s).astype(np.float32) * 10 for s in ((C, C), (C,), (C,))]
    alone = logits[:, :5], np.ones((1, 5), bool)
    padded = logits, np.arange(300)[None] < 5
    for function in (crf.log_partition, crf.marginals, crf.viterbi):
        one, other = (np.asarray(function(*text, *chain)) for text in (alone, padded))
        # Not to the last bit: how many numbers a processor takes at once depends on the length.
        np.testing.assert_allclose(other if other.ndim == 1 else other[:, :5], one, rtol=1e-6)
        assert other.ndim == 1 or not other[:, 5:].any()
    tags = tf.zeros((1, 300), tf.int32)
    with tf.GradientTape() as tape:
        x = tf.constant(logits)
        tape.watch(x)
        loss = crf.negative_log_likelihood(x, padded[1], tags, *chain)
    gradient = np.asarray(tape.gradient(loss, x))
    assert np.isfinite(gradient).all()
    assert not gradient[:, 5:].any()


@pytest.mark.parametrize("xla", [False, True])
def test_compiled_for_any_shape_it_gives_the_same(xla):
    """One trace for all numbers of texts and words, 1 x 1 too."""
    shapes = [
        tf.TensorSpec([None, None, C]),
        tf.TensorSpec([None, None], tf.bool),
        tf.TensorSpec([None, None], tf.int32),
    ]
    chain = [tf.Variable(x) for x in parameters(1.0)[1:]]

    def answers(logits, mask, tags):
        with tf.GradientTape() as tape:
            losses = crf.negative_log_likelihood(logits, mask, tags, *chain)
        found = tape.gradient(losses, chain)
        marginals = crf.marginals(logits, mask, *chain)
        return [losses, *found, marginals, crf.viterbi(logits, mask, *chain)]

    compiled = tf.function(answers, input_signature=shapes, jit_compile=xla or None)
    random = np.random.default_rng(3)
    for b, t in ((3, 7), (1, 1), (2, 4)):
        logits = tf.constant(random.normal(size=(b, t, C)).astype(np.float32))
        mask = tf.constant(np.arange(t) < random.integers(t + 1, size=(b, 1)))
        tags = tf.constant(random.integers(C, size=(b, t)).astype(np.int32))
        for one, other in zip(
            compiled(logits, mask, tags), answers(logits, mask, tags), strict=True
        ):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_sixteen_bits_go_in_and_thirty_two_come_out():
    arrays = [tf.cast(x, tf.bfloat16) for x in parameters(2.0)]
    exact = [tf.cast(x, tf.float32) for x in arrays]
    for function in (crf.log_partition, crf.marginals):
        found = function(arrays[0], MASK, *arrays[1:])
        assert found.dtype == tf.float32
        np.testing.assert_array_equal(found, function(exact[0], MASK, *exact[1:]))
