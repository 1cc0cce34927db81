"""Recurrent layers against their equations step by step, and against Keras's layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.recurrent import Recurrent

LENGTHS, T, D, U = (9, 1, 4, 0), 9, 5, 7
B = len(LENGTHS)
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, D)).astype(np.float32)  # garbage where there is no token
MASK = np.arange(T) < np.array(LENGTHS)[:, None]
FRESH = RANDOM.random((B, T)) < 0.3
CELLS = {
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "tanh": {"cell": "rnn"},
    "relu": {"cell": "rnn", "activation": "relu"},
    "elmo": {"projection": 3, "cell_clip": 0.4, "projection_clip": 0.2},
}
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
both_ways = pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def built(**options):
    layer = Recurrent(U, **options)
    layer.build((None, None, D))
    random = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape) * 0.5)
    return layer


def first_states(layer, rows=B):
    random = np.random.default_rng(2)
    return [random.normal(size=(rows, w)).astype(np.float32) * 0.3 for w in layer.state_widths]


def one_step(layer, token, h, c=None, dropped=1.0):
    """The equations as papers write them, for one token of one text."""
    kernel, recurrent_kernel, bias, *projection = layer.get_weights()
    x, r = token @ kernel, (h * dropped) @ recurrent_kernel
    if layer.cell == "rnn":
        z = x + r + bias
        return [np.maximum(z, 0) if layer.activation == "relu" else np.tanh(z)]
    if layer.cell == "gru":
        (xz, xr, xg), (rz, rr, rg) = np.split(x + bias[0], 3), np.split(r + bias[1], 3)
        z = sigmoid(xz + rz)
        return [z * h + (1 - z) * np.tanh(xg + sigmoid(xr + rr) * rg)]
    i, f, g, o = np.split(x + r + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    if layer.cell_clip:
        c = np.clip(c, -layer.cell_clip, layer.cell_clip)
    h = sigmoid(o) * np.tanh(c)
    if projection:
        h = np.clip(h @ projection[0], -layer.projection_clip, layer.projection_clip)
    return [h, c]


def by_hand(layer, text, state, fresh=None, dropped=1.0):
    """One text alone: its outputs and its last state."""
    order = range(len(text))[:: -1 if layer.backward else 1]
    outputs = np.zeros((len(text), layer.state_widths[0]))
    for t in order:
        if fresh is not None and fresh[t] and not layer.backward:
            state = [np.zeros_like(s) for s in state]
        state = one_step(layer, text[t], *state, dropped=dropped)
        outputs[t] = state[0]
        if fresh is not None and fresh[t] and layer.backward:
            state = [np.zeros_like(s) for s in state]
    return outputs, state


@both_ways
@every_cell
@pytest.mark.parametrize("fresh", [None, FRESH], ids=["carried", "fresh"])
@pytest.mark.parametrize("portable", [False, True], ids=["fast", "portable"])
def test_each_text_of_a_batch_follows_the_equations(cell, backward, fresh, portable):
    layer = built(backward=backward, **cell)
    start = first_states(layer)
    push = np.zeros((B, T, layer.state_widths[0]), np.float32) if portable else None
    outputs, last = layer(X, mask=MASK, state=start, fresh=fresh, perturbation=push)
    for n, length in enumerate(LENGTHS):
        state = [s[n] for s in start]
        own = None if fresh is None else fresh[n]
        expected, ends = by_hand(layer, X[n, :length], state, own)
        np.testing.assert_allclose(outputs[n, :length], expected, atol=1e-5)
        np.testing.assert_array_equal(outputs[n, length:], 0)
        for found, end in zip(last, ends, strict=True):
            np.testing.assert_allclose(found[n], end, atol=1e-5)


def test_clips_cut():
    """Else the equations above would hold without them."""
    layer = built(**CELLS["elmo"])
    outputs, (_, c) = layer(X)
    assert np.mean(np.abs(outputs) == layer.projection_clip) > 0.1
    assert np.mean(np.abs(c) == layer.cell_clip) > 0.1


@every_cell
def test_one_mask_drops_the_same_units_of_h_at_all_steps(cell):
    layer = built(recurrent_dropout=0.5, seed=4, **cell)
    outputs, _ = layer(X, training=True)
    draw = keras.random.SeedGenerator(4)
    dropped = keras.random.dropout(np.ones((B, layer.state_widths[0]), np.float32), 0.5, seed=draw)
    assert set(np.unique(dropped)) == {0, 2}
    for n in range(B):
        start = [np.zeros(w) for w in layer.state_widths]
        expected, _ = by_hand(layer, X[n], start, dropped=np.asarray(dropped[n]))
        np.testing.assert_allclose(outputs[n], expected, atol=1e-5)
    np.testing.assert_array_equal(layer(X)[0], built(**cell)(X)[0])


@both_ways
@every_cell
def test_a_call_does_without_some_weights_at_all_steps(cell, backward):
    """In training: 0 or scaled up; the equations with these weights, and their gradients."""
    layer = built(weight_dropout=0.4, seed=4, backward=backward, **cell)
    plain = layer.recurrent_kernel.numpy()
    draw = keras.random.SeedGenerator(4)
    outputs, _ = layer(X, mask=MASK, training=True)
    kept = np.asarray(keras.random.dropout(np.ones_like(plain), 0.4, seed=draw))
    assert 0.2 < np.mean(kept == 0) < 0.6
    np.testing.assert_allclose(kept[kept > 0], 1 / 0.6, rtol=1e-6)
    with_them = built(backward=backward, **cell)
    with_them.recurrent_kernel.assign(plain * kept)
    for n, length in enumerate(LENGTHS):
        start = [np.zeros(w) for w in layer.state_widths]
        expected, _ = by_hand(with_them, X[n, :length], start)
        np.testing.assert_allclose(outputs[n, :length], expected, atol=1e-5)
    np.testing.assert_array_equal(layer(X)[0], built(backward=backward, **cell)(X)[0])

    variable = layer.recurrent_kernel.value
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(X, training=True)[0])
    again = np.asarray(keras.random.dropout(np.ones_like(plain), 0.4, seed=draw))
    assert (again != kept).any()  # one draw a call
    with tf.GradientTape() as expected_tape:
        with_them.recurrent_kernel.assign(plain * again)
        expected = tf.reduce_sum(with_them(X, training=True)[0])
    gradient = expected_tape.gradient(expected, with_them.recurrent_kernel.value) * again
    np.testing.assert_allclose(tape.gradient(loss, variable), gradient, rtol=1e-4, atol=1e-5)


def test_first_weights_within_a_bound():
    layer = Recurrent(64, initial_bound=0.125, projection=8, seed=3)
    layer.build((None, None, 32))
    for weight in layer.get_weights():
        assert np.abs(weight).max() <= 0.125
        assert np.std(weight) == pytest.approx(0.25 / 12**0.5, rel=0.1)  # of a uniform one


def keras_layer(cell, backward):
    kind = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
    options = {"activation": cell["activation"]} if "activation" in cell else {}
    return kind[cell["cell"]](
        U, return_sequences=True, return_state=True, go_backwards=backward, **options
    )


@both_ways
@pytest.mark.parametrize("cell", list(CELLS.values())[:4], ids=list(CELLS)[:4])
def test_values_and_gradients_are_those_of_keras_layers(cell, backward):
    ours, theirs = built(backward=backward, **cell), keras_layer(cell, backward)
    theirs.build((None, T, D))
    theirs.set_weights(ours.get_weights())
    mask = np.arange(T) < np.array([9, 1, 4, 6])[:, None]
    start = [tf.constant(s) for s in first_states(ours)]
    readers = RANDOM.normal(size=(B, T, U)).astype(np.float32)

    def learn(layer, call):
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch([x, *start])
            outputs, last = call(x)
            loss = tf.reduce_sum(tf.where(mask[..., None], outputs, 0.0) * readers)
            loss += sum(tf.reduce_sum(end * readers[:, n]) for n, end in enumerate(last))
        variables = [v.value for v in layer.trainable_variables]
        return (
            tf.where(mask[..., None], outputs, 0.0),
            last,
            tape.gradient(loss, [x, *start, *variables]),
        )

    def their_call(x):
        outputs, *last = theirs(x, initial_state=start, mask=tf.constant(mask))
        return (tf.reverse(outputs, [1]) if backward else outputs), last

    found = learn(ours, lambda x: ours(x, mask=mask, state=start, training=True))
    expected = learn(theirs, their_call)
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        assert np.abs(other).max() > 0.01
        np.testing.assert_allclose(one, other, atol=1e-5)


@every_cell
def test_two_windows_with_carried_state_are_one_text(cell):
    layer = built(**cell)
    whole, last = layer(X)
    first, state = layer(X[:, :4])
    second, end = layer(X[:, 4:], state=state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    for one, other in zip(end, last, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@every_cell
def test_backward_windows_are_one_text_when_read_from_the_last(cell):
    layer = built(backward=True, **cell)
    whole, last = layer(X, mask=MASK)
    second, state = layer(X[:, 4:], mask=MASK[:, 4:])
    first, end = layer(X[:, :4], mask=MASK[:, :4], state=state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    for one, other in zip(end, last, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@both_ways
@every_cell
def test_texts_in_one_row_are_texts_apart(cell, backward):
    layer = built(backward=backward, **cell)
    fresh = np.zeros((B, T), bool)
    fresh[:, [0, 3]] = True
    start = first_states(layer)
    joined, last = layer(X, state=start, fresh=fresh)
    zeros = [np.zeros_like(s) for s in start]
    left, left_end = layer(X[:, :3], state=zeros)
    right, right_end = layer(X[:, 3:], state=start if backward else zeros)
    np.testing.assert_allclose(np.concatenate([left, right], axis=1), joined, atol=1e-6)
    # The row's first token begins a text: nothing goes on to what stands before it.
    ends = [np.zeros_like(s) for s in left_end] if backward else right_end
    for one, other in zip(last, ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_states_stay_float32_in_half_precision():
    """An LSTM that adds 1/256 to its cell at each step must not stop at 1, as 8 bits would."""
    layer = Recurrent(1, dtype="mixed_bfloat16")
    layer.build((None, None, 1))
    # Gates i, f and o open (sigmoid(20) is 1), g = tanh(1/256).
    layer.set_weights([np.zeros((1, 4)), np.zeros((1, 4)), np.array([20, 20, 1 / 256, 20])])
    x = np.zeros((1, 301, 1), np.float32)
    _, (_, first) = layer(x)
    _, (_, second) = layer(x, state=[np.zeros((1, 1), np.float32), np.asarray(first)])
    np.testing.assert_allclose(np.asarray(second), 602 / 256, rtol=5e-4)


def test_gradient_by_time_step():
    """A perturbation's gradient is dL/dh_t along all ways, against the recursion in NumPy."""
    layer = built(cell="rnn")
    length = LENGTHS[2]
    text, readers = X[2, :length], RANDOM.normal(size=(length, U))
    push = tf.zeros((1, T, U))
    with tf.GradientTape() as tape:
        tape.watch(push)
        outputs, _ = layer(X[2:3], mask=MASK[2:3], perturbation=push)
        loss = tf.reduce_sum(outputs[0, :length] * readers)
    found = tape.gradient(loss, push)[0]
    h, _ = by_hand(layer, text, [np.zeros(U)])
    _, recurrent_kernel, _ = layer.get_weights()
    expected = np.array(readers)
    for t in range(length - 2, -1, -1):
        expected[t] += recurrent_kernel @ (expected[t + 1] * (1 - h[t + 1] ** 2))
    np.testing.assert_allclose(found[:length], expected, atol=1e-5)
    np.testing.assert_array_equal(found[length:], 0)


def test_a_perturbation_is_added_to_h_and_read_by_the_next_step():
    layer = built()
    push = np.zeros((B, T, U), np.float32)
    push[:, 2] = RANDOM.normal(size=(B, U))
    pushed, _ = layer(X, perturbation=push)
    first, (h, c) = layer(X[:, :3])
    rest, _ = layer(X[:, 3:], state=[h + push[:, 2], c])
    np.testing.assert_allclose(pushed[:, 2], first[:, 2] + push[:, 2], atol=1e-6)
    np.testing.assert_allclose(pushed[:, 3:], rest, atol=1e-6)


def test_forget_gates_start_open():
    layer = Recurrent(U, forget_bias=1.5)
    layer.build((None, None, D))
    np.testing.assert_array_equal(layer.bias, np.repeat([0, 1.5, 0, 0], U))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "elman"}, "cell must be one of"),
        ({"activation": "gelu", "cell": "rnn"}, "activation must be"),
        ({"activation": "relu"}, "for cell `rnn` only"),
        ({"cell": "gru", "projection": 3}, "for cell `lstm` only"),
        ({"cell": "rnn", "cell_clip": 3.0}, "for cell `lstm` only"),
        ({"projection_clip": 3.0}, "needs a projection"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Recurrent(U, **options)
