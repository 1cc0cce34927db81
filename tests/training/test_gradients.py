"""The gradient by time step against back-propagation through time written out in NumPy."""

import json

import keras
import mlflow
import numpy as np
import pytest
import tensorflow as tf
from language_model_kinds import documents
from language_model_kinds import model as language_model
from language_model_kinds import recipe as language_recipe

from components.pooling import Pool
from components.recurrent import Recurrent
from components.recurrent_stack import RecurrentStack
from pipeline import artifacts, streams, tasks
from pipeline.tracking import link
from pipeline.training.gradients import Gradients

D, U = 3, 4
LENGTHS = [5, 2, 3, 4]
REAL = np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, None]
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(*REAL.shape, D)).astype(np.float32)
LABEL = np.array([1, -1, 2, 0], np.float32)
# The last text does not count: padding of the batch.
BATCH = {"x": X, "real": REAL, "label": LABEL, "weight": np.array([1, 0.5, 2, 0], np.float32)}
COUNTED = 3


def squared_error(outputs, batch):
    return tf.square(outputs["logits"][:, 0] - batch["label"])


def inputs(prefix=""):
    return {
        prefix + "x": keras.Input((None, D), name=prefix + "x"),
        prefix + "real": keras.Input((None,), dtype="bool", name=prefix + "real"),
    }


def head(features):
    return {"logits": keras.layers.Dense(1, kernel_initializer=keras.initializers.Ones())(features)}


def read(layer, x, backward):
    """A plain layer's outputs (T, U) for one text (T, D)."""
    kernel, recurrent_kernel, bias = layer.get_weights()
    order = range(len(x))[:: -1 if backward else 1]
    h, outputs = np.zeros(U), np.zeros((len(x), U))
    for t in order:
        h = np.tanh(x[t] @ kernel + h @ recurrent_kernel + bias)
        outputs[t] = h
    return outputs


def back(layer, outputs, d_outputs, backward):
    """dL/dh_t over all paths (T, U), and dL/dx (T, D), from what comes to each step from above."""
    kernel, recurrent_kernel, _ = layer.get_weights()
    order = range(len(outputs))[:: 1 if backward else -1]
    late, dh, dx = np.zeros(U), np.zeros(outputs.shape), []
    for t in order:
        dh[t] = d_outputs[t] + late
        dz = dh[t] * (1 - outputs[t] ** 2)
        late = dz @ recurrent_kernel.T
        dx.append(dz @ kernel.T)
    return dh, np.array(dx if backward else dx[::-1])


def by_hand(levels, x, label):
    """The norms (T,) of each layer of two bidirectional ones under a mean and a sum, for a text."""
    below, outputs = [x], []
    for level in levels:
        outputs.append([read(layer, below[-1], layer.backward) for layer in level])
        below.append(np.concatenate(outputs[-1], axis=1))
    answer = below[-1].mean(axis=0).sum()
    above = np.full(below[-1].shape, 2 * (answer - label) / len(x))
    norms = {}
    for level, found in zip(levels[::-1], outputs[::-1], strict=True):
        lower = 0
        for layer, h, d_h in zip(level, found, np.split(above, 2, axis=1), strict=True):
            dh, dx = back(layer, h, d_h, layer.backward)
            norm = np.linalg.norm(dh, axis=1)
            norms[layer.name] = norm if layer.backward else norm[::-1]
            lower = lower + dx
        above = lower
    return norms


def test_by_distance_as_written_out_in_both_directions():
    given = inputs()
    stack = RecurrentStack(U, "rnn", num_layers=2, bidirectional=True, seed=1, name="encoder")
    encoded, _ = stack(given["x"], mask=given["real"])
    model = keras.Model(given, head(Pool("mean")(encoded, mask=given["real"])[0]))
    found = Gradients(model, squared_error, BATCH)()

    texts = [by_hand(stack.layers, X[n, : LENGTHS[n]], LABEL[n]) for n in range(COUNTED)]
    names = {layer.name for level in stack.layers for layer in level}
    assert found.keys() == {f"encoder/{name}" for name in names}
    for name in names:
        norms = found[f"encoder/{name}"]
        assert norms.rows.tolist() == [3, 3, 2, 1, 1]
        for distance in range(5):
            far_enough = [text[name][distance] for text in texts if len(text[name]) > distance]
            assert norms.mean[distance] == pytest.approx(np.mean(far_enough), rel=1e-5)


def test_a_layer_that_reads_two_texts_has_the_mean_of_both():
    given = inputs() | inputs("second_")
    layer = Recurrent(U, "rnn", seed=1, name="encoder")
    pooled = []
    for prefix in ("", "second_"):
        encoded, _ = layer(given[prefix + "x"], mask=given[prefix + "real"])
        pooled.append(Pool("last")(encoded, mask=given[prefix + "real"])[0])
    model = keras.Model(given, head(pooled[0] + pooled[1]))
    # The same text twice, the second time without its last two tokens.
    short = BATCH["real"] & (np.arange(5) < 3)
    batch = {**BATCH, "second_x": X[:, :4], "second_real": short[:, :4]}
    norms = Gradients(model, squared_error, batch)()["encoder"]
    assert norms.rows.tolist() == [6, 6, 4, 1, 1]

    both = []
    for n in range(COUNTED):
        texts = [X[n, : LENGTHS[n]], X[n, : min(LENGTHS[n], 3)]]
        outputs = [read(layer, text, False) for text in texts]
        error = 2 * (sum(h[-1].sum() for h in outputs) - LABEL[n])
        for h in outputs:
            above = np.zeros(h.shape)
            above[-1] = error
            both.append(np.linalg.norm(back(layer, h, above, False)[0], axis=1)[::-1])
    for distance in range(5):
        expected = np.mean([norm[distance] for norm in both if len(norm) > distance])
        assert norms.mean[distance] == pytest.approx(expected, rel=1e-5)


def test_nothing_is_left_behind():
    given = inputs()
    layer = Recurrent(U, "lstm", recurrent_dropout=0.5, seed=1)
    encoded, _ = layer(given["x"], mask=given["real"])
    model = keras.Model(given, head(Pool("last")(encoded, mask=given["real"])[0]))
    measured = Gradients(model, squared_error, BATCH)
    first, again = measured(), measured()
    assert layer.perturb is None
    assert np.array_equal(first[layer.path].mean, again[layer.path].mean)
    layer.recurrent_kernel.assign(0 * layer.recurrent_kernel)
    assert (measured()[layer.path].mean[1:] < first[layer.path].mean[1:]).all()


def test_layers_that_are_not_trained_are_not_measured():
    given = inputs()
    frozen, trained = (Recurrent(D, "gru", name=name) for name in ("frozen", "trained"))
    encoded, _ = frozen(given["x"], mask=given["real"])
    encoded, _ = trained(encoded, mask=given["real"])
    frozen.trainable = False
    model = keras.Model(given, head(Pool("last")(encoded, mask=given["real"])[0]))
    assert Gradients(model, squared_error, BATCH)().keys() == {"trained"}


def test_a_window_of_a_language_model_starts_from_states_of_0():
    recipe, split = language_recipe(), documents(9, 12, 7)
    batch = next(streams.Streams(split, recipe.train, 0, recipe.task, True).epoch(0, 0)).tensors
    found = Gradients(language_model(), tasks.loss_function(recipe.task), batch)()
    assert len(found) == 4  # two layers, two directions
    for norms in found.values():
        assert norms.rows.tolist() == [4] * recipe.train.window
        assert (norms.mean > 0).all()


def test_a_job_leaves_pictures_and_figures(train_here, tmp_path):
    model = "{kind: lstm, units: 8, embedding: {width: 8}, bidirectional: true}"
    run_dir = train_here(tmp_path, f"model={model}", "train.log_gradients=true", "train.epochs=2")
    steps = [row["step"] for row in artifacts.read_json(run_dir / "training/history.json")]
    names = [f"step-{step:07d}.{ending}" for step in steps for ending in ("json", "svg")]
    found = link.read(run_dir)
    client = mlflow.MlflowClient(found.uri)
    logged = [file.path for file in client.list_artifacts(found.run_id, "gradients")]
    assert sorted(logged) == sorted(f"gradients/{name}" for name in names)
    figures = json.loads((run_dir / "gradients" / names[-2]).read_text())
    assert figures.keys() == {"encoder/forward_0", "encoder/backward_0"}
    for layer in figures.values():
        assert layer["texts"][0] == 32
        assert len(layer["texts"]) == len(layer["norm_by_distance"]) > 10
    assert (run_dir / "gradients" / names[-1]).read_text().startswith("<svg")
