"""What recurrent networks are known for, through our own step: they explode, and they forget.

The adding problem of Hochreiter and Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735,
section 5.4: a sequence of numbers, one of each half marked, and the sum of the two marked ones is
sought. Whoever always says 1 has an error of 1/6, the variance of the sum.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.pooling import Pool
from components.recurrent import Recurrent
from configs.training import Train
from pipeline import build
from pipeline.training.step import Step

BATCH, LENGTH, UNITS = 32, 30, 32
ALWAYS_ONE = 1 / 6


def sequences(random):
    marked = np.zeros((BATCH, LENGTH), np.float32)
    for half in (0, LENGTH // 2):
        marked[np.arange(BATCH), half + random.integers(LENGTH // 2, size=BATCH)] = 1
    numbers = random.uniform(size=marked.shape).astype(np.float32)
    label = (numbers * marked).sum(axis=1)
    return {"x": np.stack([numbers, marked], -1), "label": label, "weight": np.ones(BATCH, "f")}


def squared_error(outputs, batch):
    return tf.square(outputs["logits"][:, 0] - batch["label"])


def errors_and_norms(cell, steps, activation="tanh", **settings):
    """Train on new sequences at every step: the mean errors and gradient norms (steps,)."""
    x = keras.Input((None, 2), name="x")
    layer = Recurrent(UNITS, cell, activation, seed=1)
    features, _ = Pool("last")(layer(x)[0])
    head = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(2))
    model = keras.Model({"x": x}, {"logits": head(features)})
    if activation == "relu":
        # Le et al. 2015, https://arxiv.org/abs/1504.00941: remembers all, until it explodes.
        layer.recurrent_kernel.assign(np.eye(UNITS))
    settings = Train(batch_size=BATCH, **settings)
    optimizer = build.build_optimizer(settings, steps, [model.trainable_variables])
    random = np.random.default_rng(0)
    signature = {name: tf.TensorSpec(x.shape) for name, x in sequences(random).items()}
    strategy = tf.distribute.get_strategy()
    step = Step(model, optimizer, squared_error, strategy, settings, 0, signature)
    answers = [step(sequences(random), number, False) for number in range(steps)]
    return np.array([[float(a["loss"]) / BATCH, float(a["norm"])] for a in answers]).T


EXPLODING = {
    "cell": "rnn",
    "activation": "relu",
    "optimizer": {"kind": "sgd", "momentum": 0.9},
    "learning_rate": 0.02,
    "schedule": {"kind": "linear"},
}


def test_without_clipping_a_plain_network_explodes():
    errors, norms = errors_and_norms(steps=10, **EXPLODING)
    assert not (norms < 1e6 * norms[0]).all()  # nor is what is not a number
    assert not (errors < 1e6 * errors[0]).all()


def test_with_clipping_the_same_network_learns():
    errors, norms = errors_and_norms(steps=600, clip_norm=1.0, **EXPLODING)
    assert norms.max() > 100 * np.median(norms)  # the cliffs are there
    assert errors[-50:].mean() < ALWAYS_ONE / 3


@pytest.mark.parametrize(("cell", "learns"), [("rnn", False), ("lstm", True), ("gru", True)])
def test_gates_learn_a_lag_that_the_plain_network_does_not(cell, learns):
    errors, _ = errors_and_norms(cell, steps=600, learning_rate=0.01, clip_norm=1.0)
    assert (errors[-50:].mean() < ALWAYS_ONE / 10) == learns
    assert learns or errors[-50:].mean() > ALWAYS_ONE * 0.8
