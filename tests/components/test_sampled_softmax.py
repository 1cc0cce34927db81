"""The sampled loss against TensorFlow's own, and sampling against the chances it claims."""

import numpy as np
import pytest
import tensorflow as tf

from components.full_softmax import FullSoftmax
from components.sampled_softmax import SampledSoftmax, log_expected, log_uniform, sampled_loss

B, T, D, V = 3, 4, 6, 50
RANDOM = np.random.default_rng(0)
HIDDEN = RANDOM.normal(size=(B, T, D)).astype(np.float32)
TARGETS = RANDOM.integers(0, V, (B, T)).astype(np.int32)


def built(layer):
    layer.build((B, T, D))
    layer.bias.assign(RANDOM.normal(size=V))
    return layer


def with_gradients(loss, hidden, kernel, bias):
    variables = [tf.Variable(x) for x in (hidden, kernel, bias)]
    with tf.GradientTape() as tape:
        losses = loss(*variables)
    gradients = tape.gradient(losses, variables)
    return losses, *(tf.convert_to_tensor(gradient) for gradient in gradients)


def test_the_sampled_loss_is_tensorflows_given_the_same_samples():
    kernel, bias = built(FullSoftmax(V, seed=1)).get_weights()
    # Targets among the samples, too: accidental hits must not count twice.
    sampled, draws = np.array([TARGETS[0, 0], 3, TARGETS[2, 1], 11, 49], np.int32), 7.5

    def expected(tokens):
        return tf.exp(log_expected(tokens, draws, V))

    def theirs(hidden, kernel, bias):
        return tf.reshape(
            tf.nn.sampled_softmax_loss(
                kernel,
                bias,
                TARGETS.reshape(-1, 1).astype(np.int64),
                tf.reshape(hidden, (-1, D)),
                num_sampled=5,
                num_classes=V,
                sampled_values=(
                    sampled.astype(np.int64),
                    expected(TARGETS.reshape(-1, 1)),
                    expected(sampled),
                ),
            ),
            (B, T),
        )

    def ours(hidden, kernel, bias):
        return sampled_loss(hidden, TARGETS, kernel, bias, sampled, draws)

    for got, correct in zip(
        with_gradients(ours, HIDDEN, kernel, bias),
        with_gradients(theirs, HIDDEN, kernel, bias),
        strict=True,
    ):
        np.testing.assert_allclose(got, correct, atol=1e-5)


def test_tokens_have_the_log_uniform_chances_of_tensorflows_sampler():
    """Its expected counts with repeats are S times the chance."""
    tokens, _, counts = tf.random.log_uniform_candidate_sampler(
        [[0]], 1, num_sampled=V, unique=False, range_max=V, seed=1
    )
    np.testing.assert_allclose(np.exp(log_uniform(tokens, V)) * V, counts, rtol=1e-4)
    assert np.exp(log_uniform(np.arange(V), V)).sum() == pytest.approx(1, abs=1e-5)


def test_tokens_are_drawn_once_and_one_over_their_chance_is_1_on_average():
    layer, times, sums = SampledSoftmax(V, 12, seed=4), 3000, np.zeros(V)
    draw = tf.function(layer.draw)
    for _ in range(times):
        tokens, draws = draw()
        assert len(set(tokens.numpy())) == 12
        sums[tokens.numpy()] += np.exp(-log_expected(tokens, draws, V))
    # The standard error of a token's mean is 0.01 for the first and 0.08 for the last.
    np.testing.assert_allclose(sums[:10] / times, 1, atol=0.08)
    np.testing.assert_allclose(sums / times, 1, atol=0.3)
    assert sums.mean() / times == pytest.approx(1, abs=0.02)


def test_the_sampled_gradient_comes_near_the_full_one_on_average():
    layer = built(SampledSoftmax(V, 25, seed=3))
    variable = tf.Variable(HIDDEN)

    @tf.function
    def gradient(training):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(variable, TARGETS, training=training))
        return tape.gradient(loss, variable)

    full = gradient(False).numpy()
    mean = np.mean([gradient(True).numpy() for _ in range(300)], axis=0)
    assert np.linalg.norm(mean - full) < 0.12 * np.linalg.norm(full)


def test_too_many_samples_are_refused():
    with pytest.raises(ValueError, match=r"from 1 to vocabulary_size - 1 = 9\. Received: 10"):
        SampledSoftmax(10, 10)


def test_a_tied_layer_samples_the_rows_of_the_table():
    own = built(SampledSoftmax(V, 5, seed=4))
    kernel, bias = own.kernel.numpy(), own.bias.numpy()
    tied = SampledSoftmax(V, 5, tied=True, seed=4)
    tied.build((B, T, D))
    tied.bias.assign(bias)
    np.testing.assert_allclose(
        tied(HIDDEN, TARGETS, table=kernel, training=True),
        own(HIDDEN, TARGETS, training=True),
        atol=1e-5,
    )
