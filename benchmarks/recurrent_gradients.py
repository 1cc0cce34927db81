"""How recurrent networks forget, explode and are tamed: the pictures of docs/recurrent.md.

    python benchmarks/recurrent_gradients.py

Writes docs/gradients.png and prints its figures, in a few minutes on one core. Everything is the
adding problem of Hochreiter and Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735,
section 5.4, on new sequences at each step, through the step that `textmill train` takes.
"""

import os
from collections.abc import Sequence
from itertools import product
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from components.pooling import Pool
from components.recurrent import Recurrent
from configs.training import Train
from pipeline import build, page
from pipeline.training.gradients import Gradients
from pipeline.training.step import Step

CELLS, UNITS, BATCH, STEPS = ("rnn", "gru", "lstm"), 32, 32, 800
LENGTHS, SHOWN, SEEDS = (10, 20, 40, 80, 160), 80, (1, 11, 21)
GATED = {"learning_rate": 0.01, "clip_norm": 1.0}
CLIFFS = {
    "learning_rate": 0.02,
    "optimizer": {"kind": "sgd", "momentum": 0.9},
    "schedule": {"kind": "linear"},
}
ALWAYS_ONE = 1 / 6  # the error of whoever always says 1: the variance of the sum
PICTURE = Path("docs/gradients.png")


def sequences(random: np.random.Generator, length: int, rows: int = BATCH) -> dict:
    """Numbers, of which one in each half is marked, and the sum of the marked ones."""
    marked = np.zeros((rows, length), np.float32)
    for half in (0, length // 2):
        marked[np.arange(rows), half + random.integers(length // 2, size=rows)] = 1
    numbers = random.uniform(size=marked.shape).astype(np.float32)
    label = (numbers * marked).sum(axis=1)
    return {"x": np.stack([numbers, marked], -1), "label": label, "weight": np.ones(rows, "f")}


def squared_error(outputs: dict, batch: dict) -> tf.Tensor:
    return tf.square(outputs["logits"][:, 0] - batch["label"])


def network(cell: str, activation: str = "tanh", seed: int = SEEDS[0]) -> keras.Model:
    x = keras.Input((None, 2), name="x")
    layer = Recurrent(UNITS, cell, activation, seed=seed, name=cell)
    features, _ = Pool("last")(layer(x)[0])
    head = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed + 1))
    model = keras.Model({"x": x}, {"logits": head(features)})
    if activation == "relu":  # Le et al. 2015, https://arxiv.org/abs/1504.00941
        layer.recurrent_kernel.assign(np.eye(UNITS))
    return model


def train(model: keras.Model, length: int, **settings) -> np.ndarray:
    """Mean errors and gradient norms (2, steps)."""
    settings = Train(batch_size=BATCH, **settings)
    optimizer = build.build_optimizer(settings, STEPS, [model.trainable_variables])
    random = np.random.default_rng(length)
    signature = {name: tf.TensorSpec(x.shape) for name, x in sequences(random, length).items()}
    strategy = tf.distribute.get_strategy()
    step = Step(model, optimizer, squared_error, strategy, settings, 0, signature)
    answers = [step(sequences(random, length), number, False) for number in range(STEPS)]
    return np.array([[float(a["loss"]) / BATCH, float(a["norm"])] for a in answers]).T


def reach(model: keras.Model) -> np.ndarray:
    """The gradient's norm by distance, as a share of that at the last step."""
    batch = sequences(np.random.default_rng(0), SHOWN, rows=256)
    (norms,) = Gradients(model, squared_error, batch)().values()
    return norms.mean / norms.mean[0]


def row(name: str, values: Sequence, form: str = ".2g") -> None:
    print(f"| {name} | " + " | ".join(f"{value:{form}}" for value in values) + " |", flush=True)


def main() -> None:
    tf.get_logger().setLevel("ERROR")  # that each network has a step of its own
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    figure = Figure(figsize=(12.0, 3.4), layout="constrained")
    distance, explosion, lag = figure.subplots(1, 3)

    row(f"error of the last 50 of {STEPS} steps, {len(SEEDS)} seeds, by length", LENGTHS, "d")
    reaches = {}
    for cell, colour in zip(CELLS, page.COLOURS, strict=False):
        errors = np.empty((len(LENGTHS), len(SEEDS)))
        for (i, length), (j, seed) in product(enumerate(LENGTHS), enumerate(SEEDS)):
            model = network(cell, seed=seed)
            shown = (length, seed) == (SHOWN, SEEDS[0])
            if shown:
                reaches[f"{cell}, at the start"] = reach(model)
            errors[i, j] = train(model, length, **GATED)[0][-50:].mean()
            if shown:
                reaches[f"{cell}, trained"] = reach(model)
        lag.plot(LENGTHS, np.median(errors, axis=1), marker=".", color=colour, label=cell)
        lag.fill_between(LENGTHS, errors.min(axis=1), errors.max(axis=1), color=colour, alpha=0.2)
        for name, of in (("least", np.min), ("median", np.median), ("largest", np.max)):
            row(f"{cell}, {name}", of(errors, axis=1))
    far = [*range(0, SHOWN, 20), SHOWN - 1]
    row(f"gradient of length {SHOWN}, as a share, by distance", far, "d")
    for number, (name, share) in enumerate(reaches.items()):
        row(name, [share[n] for n in far])
        colour = page.COLOURS[number // 2]
        distance.plot(share, "-" if "trained" in name else "--", color=colour, label=name)

    row("relu network, length 30", ["first norm", "largest", "error of the last 50"], "")
    for name, clip in (("without clipping", None), ("clipped to 1", 1.0)):
        errors, norms = train(network("rnn", "relu"), 30, clip_norm=clip, **CLIFFS)
        explosion.plot(norms, label=name, linewidth=0.8)
        row(name, [norms[0], norms.max(), errors[-50:].mean()])

    distance.set(xlabel="steps before the last one", ylabel="norm of dL/dh, share of the last")
    explosion.set(xlabel="training step", ylabel="norm of the gradient")
    lag.set(xlabel="length of the sequences", ylabel=f"error after {STEPS} steps")
    lag.axhline(ALWAYS_ONE, color="#9aa5b1", linestyle=":", label="always 1")
    lag.set_xscale("log")
    lag.set_xticks(LENGTHS, LENGTHS)
    lag.minorticks_off()
    for axes in (distance, explosion, lag):
        axes.set_yscale("log")
    distance.legend(frameon=False)
    explosion.legend(frameon=False)
    lag.set_ylim(3e-5)
    lag.legend(frameon=False, ncols=2, loc="lower left")
    figure.savefig(PICTURE, dpi=144)


if __name__ == "__main__":
    main()
