"""Against the papers' formulas in NumPy, with gradients as an embedding gives them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components import optimizers
from configs.training import Train
from pipeline import build

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


def lamb(gradients, start, rate, decay, scaled, beta_1=0.9, beta_2=0.999, epsilon=1e-6):
    """You et al. 2020, algorithm 2, in float64."""
    x, m, v = start.astype(np.float64), 0.0, 0.0
    for t, g in enumerate(gradients.astype(np.float64), start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        r = (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon) + decay * x
        lengths = np.linalg.norm(x), np.linalg.norm(r)
        x = x - rate * (lengths[0] / lengths[1] if scaled and min(lengths) else 1.0) * r
    return x


@pytest.mark.parametrize("start", [START, np.zeros_like(START)], ids=["", "from zeros"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_lamb_is_algorithm_2(decay, start):
    optimizer = optimizers.Lamb(0.05, epsilon=1e-6, weight_decay=decay or None)
    expected = lamb(GRADIENTS, start, 0.05, decay, scaled=True)
    assert stepped(optimizer, GRADIENTS, start) == pytest.approx(expected, abs=3e-6)


def test_lamb_leaves_the_size_of_biases_out_and_has_rates_of_groups():
    kernel, bias = keras.Variable(START), keras.Variable(START[:, 0])
    settings = Train(
        optimizer={"kind": "lamb", "weight_decay": 0.1}, learning_rate=0.05, discriminative=2.0
    )
    optimizer = build.build_optimizer(settings, 5, [[kernel], [bias]])
    for gradient in GRADIENTS:
        optimizer.apply([tf.constant(gradient), tf.constant(gradient[:, 0])], [kernel, bias])
    expected = lamb(GRADIENTS, START, 0.025, 0.1, scaled=True)
    assert kernel.numpy() == pytest.approx(expected, abs=3e-6)
    expected = lamb(GRADIENTS[..., 0], START[:, 0], 0.05, 0.0, scaled=False)
    assert bias.numpy() == pytest.approx(expected, abs=3e-6)


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


LOW, HIGH = [[1.0, -2.0], [0.5, 0.25]], [[0.3, -0.7]]
STEPS = [  # rate, gradient of LOW, gradient of HIGH
    (0.1, [[0.5, -1.0], [0.1, 2.0]], [[0.2, -0.3]]),
    (0.2, [[-0.4, 0.6], [1.5, -0.2]], [[1.0, 0.8]]),
    (0.05, [[0.3, 0.3], [-0.7, 0.9]], [[-0.6, 0.1]]),
    (0.1, [[1.2, -0.5], [0.4, 0.05]], [[0.7, -0.9]]),
]
# What torch 2.13 makes of LOW and HIGH in float64, as two parameter groups with lr / 2.6 and lr.
# In the last row LOW has no gradient at the first two steps.
TORCH = {
    "AdamW(weight_decay=0.1)": [
        [0.910183244, -1.90518732, 0.373989611, 0.127508781],
        [-0.039009407, -0.666840363],
    ],
    "SGD(weight_decay=0.1)": [
        [0.94251377, -1.960049616, 0.370908583, 0.165939119],
        [0.030091673, -0.712584387],
    ],
    "SGD(momentum=0.9)": [[0.912192308, -1.920846154, 0.3191, -0.077923077], [-0.09068, -0.76678]],
    "SGD(momentum=0.9, nesterov=True)": [
        [0.880588462, -1.922992308, 0.216036154, -0.1259],
        [-0.311612, -0.805102],
    ],
    "Adadelta(rho=0.95, eps=1e-6)": [
        [0.999805152, -2.000005926, 0.499326869, 0.249819875],
        [0.298025176, -0.700160649],
    ],
    "AdamW(weight_decay=0.1), later": [
        [0.941066882, -1.99634232, 0.524443861, 0.202082605],
        [-0.039009407, -0.666840363],
    ],
}
OURS = {
    "AdamW(weight_decay=0.1)": {"kind": "adam", "weight_decay": 0.1},
    "SGD(weight_decay=0.1)": {"kind": "sgd", "weight_decay": 0.1},
    "SGD(momentum=0.9)": {"kind": "sgd", "momentum": 0.9},
    "SGD(momentum=0.9, nesterov=True)": {"kind": "sgd", "momentum": 0.9, "nesterov": True},
    "Adadelta(rho=0.95, eps=1e-6)": {"kind": "adadelta"},
}


def in_groups(chosen, low_from=0):
    """LOW and HIGH after STEPS; the rate of each step is that of the schedule, 1, times a scale."""
    low, high = keras.Variable(LOW, name="low"), keras.Variable(HIGH, name="high")
    settings = Train(optimizer=chosen, learning_rate=1.0, discriminative=2.6)
    optimizer = build.build_optimizer(settings, 4, [[low], [high]])

    @tf.function
    def step(gradients):
        optimizer.apply(gradients, [low, high][-len(gradients) :])

    for number, (rate, *gradients) in enumerate(STEPS):
        optimizer.rate_scale.assign(rate)
        if number == low_from:
            optimizer.begin([low])
        step([tf.constant(g) for g in gradients][number < low_from :])
    assert step.experimental_get_tracing_count() == 1 + (low_from > 0)
    return [variable.numpy().ravel() for variable in (low, high)]


@pytest.mark.parametrize("kind", OURS)
def test_groups_have_rates_as_parameter_groups_of_torch(kind):
    for got, expected in zip(in_groups(OURS[kind]), TORCH[kind], strict=True):
        assert got == pytest.approx(expected, abs=1e-6)


def test_adam_counts_the_steps_of_a_group_from_its_first_one():
    got = in_groups(OURS["AdamW(weight_decay=0.1)"], low_from=2)
    for ours, expected in zip(got, TORCH["AdamW(weight_decay=0.1), later"], strict=True):
        assert ours == pytest.approx(expected, abs=1e-6)


def test_the_rate_that_is_told_is_the_rate_of_the_step():
    optimizer = optimizers.SGD(0.5)
    optimizer.rate_scale.assign(0.25)
    assert float(optimizer.learning_rate) == 0.125
