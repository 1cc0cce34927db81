"""Stacks of recurrent layers against the single layers put together by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.recurrent import Recurrent
from components.recurrent_stack import RecurrentStack

B, T, D, U = 3, 6, 5, 4
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, D)).astype(np.float32)
MASK = np.arange(T) < np.array([6, 1, 4])[:, None]
FRESH = RANDOM.random((B, T)) < 0.3


def single(stack, name, **options):
    """A layer of the stack by its name, rebuilt on its own with the same weights."""
    own = [weight for weight in stack.weights if f"/{name}/" in weight.path]
    layer = Recurrent(U, **options)
    layer.build((None, None, own[0].shape[0]))
    layer.set_weights([np.asarray(w) for w in own])
    return layer


def states(stack):
    random = np.random.default_rng(1)
    return [random.normal(size=(B, w)).astype(np.float32) for w in stack.state_widths]


def test_one_direction_by_hand():
    stack = RecurrentStack(U, "gru", num_layers=3, residual=True, backward=True, seed=1)
    start = states(stack)
    found, last = stack(X, mask=MASK, state=start, fresh=FRESH)
    x, ends = X, []
    for n in range(3):
        layer = single(stack, f"layer_{n}", cell="gru", backward=True)
        output, end = layer(x, mask=MASK, state=start[n : n + 1], fresh=FRESH)
        x = output if n == 0 else x + output
        ends += end
    np.testing.assert_allclose(found, x, atol=1e-6)
    assert len(last) == len(ends) == 3
    for one, other in zip(last, ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("residual", [False, True])
def test_both_directions_by_hand(residual):
    options = {"projection": 2, "cell_clip": 0.5}
    stack = RecurrentStack(U, num_layers=2, bidirectional=True, residual=residual, **options)
    assert stack.state_widths == [2, U] * 4
    start = states(stack)
    found, last = stack(X, mask=MASK, state=start)
    x, ends = X, []
    for n in range(2):
        ways = []
        for m, name in enumerate(("forward", "backward")):
            layer = single(stack, f"{name}_{n}", backward=bool(m), **options)
            own = start[4 * n + 2 * m : 4 * n + 2 * m + 2]
            output, end = layer(x, mask=MASK, state=own)
            ways.append(output)
            ends += end
        output = np.concatenate(ways, axis=-1)
        x = x + output if residual and n else output
    assert found.shape == (B, T, 4)
    np.testing.assert_allclose(found, x, atol=1e-6)
    for one, other in zip(last, ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_layers_and_directions_start_from_weights_of_their_own():
    stack = RecurrentStack(U, num_layers=2, bidirectional=True)
    stack.build((None, None, 2 * U))
    kernels = [np.asarray(w) for w in stack.weights if w.name.endswith("kernel")]
    same_shape = [k for k in kernels if k.shape == kernels[0].shape]
    assert len(same_shape) == 4
    for n, one in enumerate(same_shape):
        assert all(np.abs(one - other).max() > 0.1 for other in same_shape[n + 1 :])


def test_dropout_and_recurrent_dropout_act_in_training_only():
    plain = RecurrentStack(U, num_layers=2)
    expected, _ = plain(X)
    for rates in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}):
        stack = RecurrentStack(U, num_layers=2, **rates)
        np.testing.assert_array_equal(stack(X)[0], expected)
        first, second = (stack(X, training=True)[0] for _ in range(2))
        assert np.abs(first - expected).max() > 0.01
        assert np.abs(first - second).max() > 0.01


def test_a_model_carries_its_state_through_a_compiled_step():
    inputs = {
        "x": keras.Input((None, D), name="x"),
        "fresh": keras.Input((None,), dtype="bool", name="fresh"),
    }
    stack = RecurrentStack(U, num_layers=2, dtype="mixed_bfloat16")
    names = [f"state_{n}" for n in range(len(stack.state_widths))]
    given = {name: keras.Input((U,), name=name) for name in names}
    outputs, last = stack(inputs["x"], state=list(given.values()), fresh=inputs["fresh"])
    answers = {"outputs": outputs, **dict(zip(names, last, strict=True))}
    model = keras.Model({**inputs, **given}, answers)
    call = tf.function(lambda values: model(values, training=True))
    zeros = {name: np.zeros((B, U), np.float32) for name in given}
    fresh = np.zeros((B, T), bool)
    whole = call({"x": X, "fresh": fresh, **zeros})
    first = call({"x": X[:, :2], "fresh": fresh[:, :2], **zeros})
    carried = {name: first[name] for name in given}
    assert {state.dtype.name for state in carried.values()} == {"float32"}
    second = call({"x": X[:, 2:], "fresh": fresh[:, 2:], **carried})
    for name in given:
        np.testing.assert_allclose(second[name], whole[name], atol=1e-2)
    np.testing.assert_allclose(second["state_1"], whole["state_1"], atol=1e-6)


def test_two_ways_of_asking_for_backward_are_refused():
    with pytest.raises(ValueError, match="backward"):
        RecurrentStack(U, bidirectional=True, backward=True)
