"""Against the papers' formulas in NumPy, with gradients as an embedding gives them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components import optimizers
from components.schedules import WarmupThen

START = np.array([[1.0, -2.0], [0.5, 0.25], [3.0, 0.0]], np.float32)
GRADIENTS = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)


def stepped(optimizer, gradients, start=START):
    variable = keras.Variable(start)
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([tf.convert_to_tensor(gradient)], [variable])
    return variable.numpy()


def adam(gradients, rate, decay=0.0, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Loshchilov and Hutter 2019, algorithm 2, in float64."""
    x, m, v = START.astype(np.float64), 0.0, 0.0
    for t, g in enumerate(gradients.astype(np.float64), start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        x = x - rate * decay * x
        x = x - rate * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return x


@pytest.mark.parametrize("backend", ["tensorflow", "portable"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
def test_adam_is_the_papers(backend, decay, epsilon, monkeypatch):
    if backend == "portable":  # the branch that other Keras backends take
        monkeypatch.setattr(keras.backend, "backend", lambda: "other")
    optimizer = optimizers.Adam(0.1, epsilon=epsilon, weight_decay=decay or None)
    expected = adam(GRADIENTS, 0.1, decay, epsilon=epsilon)
    assert stepped(optimizer, GRADIENTS) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_sgd_with_momentum(decay):
    x, velocity = START.astype(np.float64), 0.0
    for g in GRADIENTS.astype(np.float64):
        x = x - 0.1 * decay * x
        velocity = 0.9 * velocity - 0.1 * g
        x = x + velocity
    optimizer = optimizers.SGD(0.1, momentum=0.9, weight_decay=decay or None)
    assert stepped(optimizer, GRADIENTS) == pytest.approx(x, abs=1e-6)


def test_adadelta_is_algorithm_1():
    x, squares, updates = START.astype(np.float64), 0.0, 0.0
    for g in GRADIENTS.astype(np.float64):
        squares = 0.95 * squares + 0.05 * g**2
        update = -np.sqrt(updates + 1e-6) / np.sqrt(squares + 1e-6) * g
        updates = 0.95 * updates + 0.05 * update**2
        x = x + update
    got = stepped(optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-6), GRADIENTS)
    assert got == pytest.approx(x, abs=1e-6)


def test_gradients_are_taken_as_summed_already():
    pairs = [("gradient", "variable")]
    assert optimizers.Adam()._all_reduce_sum_gradients(pairs) == pairs


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("constant", [0.5, 1.0, 2.0, 2.0, 2.0, 2.0]),
        ("linear", [0.5, 1.0, 2.0, 2.0 * 0.55, 2.0 * 0.1, 2.0 * 0.1]),
        ("cosine", [0.5, 1.0, 2.0, 2.0 * 0.55, 2.0 * 0.1, 2.0 * 0.1]),
    ],
)
def test_schedules_rise_then_follow_their_curve(kind, expected):
    schedule = WarmupThen(2.0, kind, total_steps=20, warmup_steps=4, end=0.1)
    got = [float(schedule(step)) for step in (0, 1, 4, 12, 20, 30)]
    assert got == pytest.approx(expected, abs=1e-6)


def test_the_cosine_is_not_the_line():
    quarter = WarmupThen(1.0, "cosine", total_steps=8)(2)
    assert float(quarter) == pytest.approx(0.5 * (1 + np.cos(np.pi / 4)), abs=1e-6)
