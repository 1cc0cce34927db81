"""ELMo's layers against the equations step by step, and as language models over streams."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from components.characters import SENTENCE_END, SENTENCE_START, CharacterCNN
from components.elmo import ElmoEncoder
from components.elmo_language_model import elmo_language_model
from components.full_softmax import FullSoftmax
from components.sampled_softmax import SampledSoftmax
from components.sentence_boundaries import with_boundaries, without_boundaries

LENGTHS, P = (1, 4, 7), 5
B, T = len(LENGTHS), max(LENGTHS)
MASK = np.arange(T) < np.array(LENGTHS)[:, None]
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, P)).astype(np.float32)
SETTINGS = [
    {"units": 12, "projection": P, "num_layers": 3, "cell_clip": 0.15, "projection_clip": 0.05},
    {"units": 12, "projection": P, "residual": False, "cell_clip": None, "projection_clip": None},
    {"units": P},
]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def one_direction(x, levels, clips, residual, states=None):
    """(T, P) -> (T, L, P) and the last states of each layer, one step at a time."""
    layers, last = [], []
    for n, (kernel, recurrent, bias, *projection) in enumerate(levels):
        h, c = states[n] if states else (np.zeros(len(recurrent)), np.zeros(len(bias) // 4))
        outputs = []
        for step in x:
            i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4)
            c = np.clip(sigmoid(f) * c + sigmoid(i) * np.tanh(g), -clips[0], clips[0])
            h = sigmoid(o) * np.tanh(c)
            if projection:
                h = np.clip(h @ projection[0], -clips[1], clips[1])
            outputs.append(h)
        x = np.array(outputs) + (x if residual and n else 0)
        layers.append(x)
        last.append((h, c))
    return np.stack(layers, axis=1), last


def weights_by_level(levels):
    return [layer.get_weights() for _, layer in levels]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_layers_are_the_equations_step_by_step(settings):
    encoder = ElmoEncoder(**settings, seed=3)
    layers, states = encoder(X, mask=MASK)
    clips = [np.inf if clip is None else clip for clip in (encoder.cell_clip,)]
    clips.append(encoder.projection_clip or np.inf)
    for n, length in enumerate(LENGTHS):
        words = X[n, :length]
        forward, ends = one_direction(
            words, weights_by_level(encoder.forward), clips, encoder.residual
        )
        backward, more = one_direction(
            words[::-1], weights_by_level(encoder.backward), clips, encoder.residual
        )
        expected = np.concatenate(
            [
                np.concatenate([words, words], axis=-1)[:, None],
                np.concatenate([forward, backward[::-1]], axis=-1),
            ],
            axis=1,
        )
        np.testing.assert_allclose(layers[n, :length], expected, atol=1e-6)
        np.testing.assert_array_equal(layers[n, length:], 0)
        for state, value in zip(states, [v for pair in ends + more for v in pair], strict=True):
            np.testing.assert_allclose(state[n], value, atol=1e-6)


def test_clips_matter_in_the_comparison():
    clipped, free = (
        ElmoEncoder(**{**SETTINGS[0], **clips}, seed=3)(X, mask=MASK)[0]
        for clips in ({}, {"cell_clip": None, "projection_clip": None})
    )
    assert np.abs(clipped - free).max() > 0.01


def test_neither_direction_sees_beyond_the_word():
    encoder = ElmoEncoder(12, P, seed=3)
    changed = X.copy()
    changed[2, 3] += 1.0
    moved = np.abs(encoder(changed)[0] - encoder(X)[0])[2].max(axis=1)  # (T, 2 P)
    np.testing.assert_array_equal(moved[:3, :P], 0)
    np.testing.assert_array_equal(moved[4:, P:], 0)
    assert moved[3:, :P].min() > 0
    assert moved[:4, P:].min() > 0


def test_state_carries_a_text_over_windows():
    encoder = ElmoEncoder(12, P, seed=3)
    whole, _ = encoder(X, second=X[::-1])
    first, state = encoder(X[:, :3], second=X[::-1, :3])
    rest, _ = encoder(X[:, 3:], state=state, second=X[::-1, 3:])
    np.testing.assert_allclose(np.concatenate([first, rest], axis=1), whole, atol=1e-6)


def test_the_second_stream_is_the_text_turned_round():
    """What the backward model makes of it, in its order, is what it makes of the text."""
    encoder = ElmoEncoder(12, P, seed=3)
    usual, _ = encoder(X)
    streams, _ = encoder(X, second=X[:, ::-1])
    np.testing.assert_allclose(streams[..., :P], usual[..., :P], atol=1e-6)
    np.testing.assert_allclose(streams[:, ::-1, :, P:], usual[..., P:], atol=1e-6)


def test_a_fresh_text_knows_nothing_of_the_one_before():
    encoder = ElmoEncoder(12, P, seed=3)
    fresh = np.zeros((B, T), bool)
    second_fresh = fresh.copy()
    fresh[:, 2], second_fresh[:, 5] = True, True
    state = [np.ones((B, width), np.float32) for width in encoder.state_widths]
    together, _ = encoder(X, state=state, second=X, fresh=fresh, second_fresh=second_fresh)
    np.testing.assert_allclose(
        together[:, 2:, :, :P], encoder(X[:, 2:], second=X[:, 2:])[0][..., :P], atol=1e-6
    )
    np.testing.assert_allclose(
        together[:, 5:, :, P:], encoder(X[:, 5:], second=X[:, 5:])[0][..., P:], atol=1e-6
    )
    assert np.abs(together[:, :2, 1:] - encoder(X[:, :2], second=X[:, :2])[0][:, :, 1:]).min() > 0


def test_words_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"outputs, 5\. Received: x of shape \(3, 7, 6\)"):
        ElmoEncoder(12, 5)(np.zeros((3, 7, 6), np.float32))


def test_boundaries_stand_around_each_text_and_go_again():
    characters = RANDOM.integers(1, 257, (B, T, 50)) * MASK[..., None]
    around = np.asarray(with_boundaries(characters.astype(np.int32)))
    for n, length in enumerate(LENGTHS):
        expected = np.zeros((T + 2, 50))
        expected[0], expected[1 : length + 1] = SENTENCE_START, characters[n, :length]
        expected[length + 1] = SENTENCE_END
        np.testing.assert_array_equal(around[n], expected)
    np.testing.assert_array_equal(without_boundaries(ops.array(around), MASK), characters)


def test_a_text_without_words_is_the_boundaries():
    around = with_boundaries(np.zeros((1, 2, 50), np.int32))
    np.testing.assert_array_equal(around[0], [SENTENCE_START, SENTENCE_END, [0] * 50, [0] * 50])


def language_model(softmax, **settings):
    words = CharacterCNN(((1, 4), (3, 8)), 4, 1, P, seed=1, name="words")
    encoder = ElmoEncoder(12, P, seed=3, name="elmo", **settings)
    return elmo_language_model(words, encoder, softmax), words, encoder


def window(seed=0, length=T):
    random = np.random.default_rng(seed)
    values = {}
    for prefix in ("", "second_"):
        values |= {
            f"{prefix}characters": random.integers(1, 262, (B, length, 50)).astype(np.int32),
            f"{prefix}targets": random.integers(0, 40, (B, length)).astype(np.int32),
            f"{prefix}fresh": random.random((B, length)) < 0.2,
        }
    return values


def states(encoder):
    return {f"state_{n}": np.zeros((B, w), np.float32) for n, w in enumerate(encoder.state_widths)}


def test_the_loss_is_the_mean_of_both_directions_predictions():
    softmax = FullSoftmax(40, seed=2, name="softmax")
    model, words, encoder = language_model(softmax)
    values = window()
    outputs = model(values | states(encoder))
    layers, ends = encoder(
        words(values["characters"]),
        second=words(values["second_characters"]),
        fresh=values["fresh"],
        second_fresh=values["second_fresh"],
    )
    kernel, bias = softmax.get_weights()
    expected = 0
    for hidden, prefix in ((layers[:, :, -1, :P], ""), (layers[:, :, -1, P:], "second_")):
        scores = np.asarray(hidden) @ kernel.T + bias
        right = np.take_along_axis(scores, values[f"{prefix}targets"][..., None], -1)[..., 0]
        expected += (np.log(np.exp(scores).sum(-1)) - right) / 2
    np.testing.assert_allclose(outputs["losses"], expected, atol=1e-5)
    for n, end in enumerate(ends):
        np.testing.assert_allclose(outputs[f"state_{n}"], end, atol=1e-6)


def test_windows_of_a_stream_cost_what_the_stream_costs():
    model, _, encoder = language_model(FullSoftmax(40, seed=2))
    values = window(length=8)
    whole = model(values | states(encoder))["losses"]
    state, parts = states(encoder), []
    for start in (0, 4):
        outputs = dict(model({k: v[:, start : start + 4] for k, v in values.items()} | state))
        parts.append(outputs.pop("losses"))
        state = {name: value.numpy() for name, value in outputs.items()}
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)


def test_every_weight_learns_from_both_streams():
    model, _, encoder = language_model(SampledSoftmax(40, 8, seed=2), dropout=0.1)
    assert model.get_layer("drop").rate == 0.1  # before the softmax, as on each layer's input
    values = window() | states(encoder)
    weights = [v.value for v in model.trainable_variables]
    before = tf.reduce_mean(model(values)["losses"])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(values, training=True)["losses"])
    gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, weights)]
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.assign_sub(0.5 * gradient)
    assert tf.reduce_mean(model(values)["losses"]) < before
