"""The fast ways through a recurrent layer against the portable one: values and gradients."""

import logging
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from components import cudnn_recurrence, recurrent_paths
from components.recurrent import Recurrent

B, T, D, U = 4, 5, 5, 6
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, D)).astype(np.float32)
MASK = np.arange(T) < np.array([5, 1, 3, 0])[:, None]
FRESH = RANDOM.random((B, T)) < 0.4
FRESH[0, 0] = False  # so that not all last states of the backward direction are 0
CELLS = {
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "tanh": {"cell": "rnn"},
    "relu": {"cell": "rnn", "activation": "relu"},
    "cell_clip": {"cell_clip": 0.3},
    "projection": {"projection": 3},
    "clips": {"projection": 3, "cell_clip": 0.3, "projection_clip": 0.2},
}
MASKS = {
    "plain": {},
    "masked": {"mask": MASK},
    "masked_fresh": {"mask": MASK, "fresh": FRESH},
}


def built(dtype="float32", **options):
    layer = Recurrent(U, dtype=dtype, **options)
    layer.build((None, None, D))
    random = np.random.default_rng(1)
    for weight in layer.weights:  # biases too, and all large enough for the clips to cut
        weight.assign(random.normal(size=weight.shape) * 0.6)
    return layer


def values_and_gradients(layer, x=X, portable=False, training=True, **masks):
    """Outputs and last state, and the gradients of a loss that reads all of them unevenly."""
    random = np.random.default_rng(2)
    x = tf.convert_to_tensor(x)
    # As many rows as x, which may be a replica's share or of unknown number.
    state = [
        tf.convert_to_tensor(random.normal(size=(B, w)).astype(np.float32))[: tf.shape(x)[0]]
        for w in layer.state_widths
    ]
    if portable:
        masks["perturbation"] = tf.zeros([*tf.unstack(tf.shape(x)[:2]), layer.state_widths[0]])
    variables = [weight.value for weight in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([x, *state])
        outputs, last = layer(x, state=state, training=training, **masks)
        loss = tf.zeros([])
        for answer in (outputs, *last):
            readers = random.normal(size=(B, T, U))[:, : 1 if answer.shape.rank == 2 else T]
            readers = tf.constant(readers[..., : answer.shape[-1]], tf.float32)
            readers = readers[:, 0] if answer.shape.rank == 2 else readers
            readers = readers[: tf.shape(x)[0]]
            loss += tf.reduce_sum(readers * tf.cast(answer, tf.float32))
    return [outputs, *last], tape.gradient(loss, [x, *state, *variables])


def assert_same(some, others, atol=1e-5):
    for one, other in zip(tf.nest.flatten(some), tf.nest.flatten(others), strict=True):
        assert one.dtype == other.dtype
        one, other = np.asarray(tf.cast(one, tf.float32)), np.asarray(tf.cast(other, tf.float32))
        assert np.abs(other).max() > 1e-3
        np.testing.assert_allclose(one, other, atol=atol * max(1.0, np.abs(other).max()))


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("masks", MASKS.values(), ids=MASKS.keys())
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_written_out_derivatives_are_those_of_the_portable_loop(cell, masks, backward):
    layer = built(backward=backward, **cell)
    portable = values_and_gradients(layer, portable=True, **masks)
    assert_same(values_and_gradients(layer, **masks), portable)
    assert_same(values_and_gradients(layer, training=False, **masks), portable)


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_recurrent_dropout_is_the_same_both_ways(cell):
    found = [
        values_and_gradients(
            built(recurrent_dropout=0.4, seed=3, **cell),
            portable=portable,
            **MASKS["masked_fresh"],
        )
        for portable in (False, True)
    ]
    assert_same(*found)
    undropped, _ = values_and_gradients(built(**cell), **MASKS["masked_fresh"])
    assert np.abs(undropped[0] - found[0][0][0]).max() > 0.01


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_half_precision_is_the_same_both_ways_up_to_its_rounding(cell):
    layer, exact = built("mixed_bfloat16", **cell), built(**cell)
    fast = values_and_gradients(layer, **MASKS["masked_fresh"])
    assert [answer.dtype.name for answer in fast[0]] == [
        "bfloat16",
        *["float32"] * len(fast[0][1:]),
    ]
    assert_same(fast, values_and_gradients(layer, portable=True, **MASKS["masked_fresh"]), 0.03)
    values, gradients = values_and_gradients(exact, **MASKS["masked_fresh"])
    assert_same([tf.cast(v, tf.float32) for v in fast[0]], values, 0.05)
    if "cell_clip" not in cell:  # whether a bound cuts is all or nothing
        assert_same(fast[1], gradients, 0.05)


@pytest.mark.parametrize("xla", [None, True], ids=["graph", "xla"])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_compiled_for_unknown_sizes_it_is_the_same(cell, xla):
    # XLA draws other random numbers.
    rate = 0.0 if xla else 0.4
    layer, other = (built(recurrent_dropout=rate, **cell) for _ in range(2))

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, D]),
            *[tf.TensorSpec([None, None], tf.bool)] * 2,
        ],
        jit_compile=xla,
    )
    def compiled(x, mask, fresh):
        return values_and_gradients(layer, x, mask=mask, fresh=fresh)

    assert_same(compiled(X, MASK, FRESH), values_and_gradients(other, mask=MASK, fresh=FRESH))


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("masks", [{}, {"mask": MASK}], ids=["plain", "masked"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_way_through_keras_layers_gives_the_same(cell, masks, backward, monkeypatch):
    """Without a GPU these run Keras's own loop: what is tested is all that stands around them."""
    layer = built(cell=cell, backward=backward)
    ours = values_and_gradients(layer, **masks)
    monkeypatch.setattr(recurrent_paths, "fastest", lambda *_: cudnn_recurrence.run)
    assert_same(values_and_gradients(layer, **masks), ours)


@pytest.mark.parametrize(
    ("options", "dropped", "keep", "training", "suits"),
    [
        ({}, None, None, True, True),
        ({"cell": "gru", "backward": True}, None, None, True, True),
        ({}, None, None, False, False),
        ({"cell": "rnn"}, None, None, True, False),
        ({"projection": 3}, None, None, True, False),
        ({"cell_clip": 1.0}, None, None, True, False),
        ({"dtype": "mixed_bfloat16"}, None, None, True, False),
        ({}, tf.ones((B, U)), None, True, False),
        ({}, None, tf.ones((T, B), "bool"), True, False),
    ],
)
def test_what_cudnn_cannot_do_is_not_asked_of_it(
    options, dropped, keep, training, suits, monkeypatch
):
    monkeypatch.setattr(cudnn_recurrence, "has_gpu", lambda: True)
    chosen = recurrent_paths.fastest(Recurrent(U, **options), dropped, keep, training)
    assert (chosen is cudnn_recurrence.run) is suits


def test_the_way_is_logged_once(caplog):
    recurrent_paths._announce.cache_clear()
    with caplog.at_level(logging.INFO, logger="textmill"):
        for _ in range(2):
            built()(X)
    assert [record.getMessage() for record in caplog.records] == [
        "recurrent layers run in the loop with its derivative written out"
    ]


def test_a_saved_model_gives_the_same(tmp_path):
    inputs = {"x": keras.Input((None, D), name="x"), "mask": keras.Input((None,), dtype="bool")}
    layer = built(projection=3, cell_clip=0.3, backward=True)
    model = keras.Model(inputs, layer(inputs["x"], mask=inputs["mask"])[0])
    model.export(tmp_path, verbose=False)
    loaded = tf.saved_model.load(tmp_path)
    expected, _ = layer(X, mask=MASK)
    np.testing.assert_allclose(loaded.serve({"x": X, "mask": MASK}), expected, atol=1e-6)
    one = loaded.serve({"x": X[2:3, :3], "mask": MASK[2:3, :3]})
    np.testing.assert_allclose(one, expected[2:3, :3], atol=1e-6)


TWO_DEVICES = """
import numpy as np, sys, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
sys.path.insert(0, "tests/components")
from test_recurrent_paths import FRESH, MASK, X, B, assert_same, built, values_and_gradients

with strategy.scope():
    layers = [built(cell=cell, backward=True) for cell in ("lstm", "gru", "rnn")]

@tf.function
def on_two(x, mask, fresh):
    def own():
        context = tf.distribute.get_replica_context()
        start = context.replica_id_in_sync_group * (B // 2)
        rows = slice(start, start + B // 2)
        masks = {"mask": mask[rows], "fresh": fresh[rows]}
        found = [values_and_gradients(layer, x[rows], **masks) for layer in layers]
        weights = [gradients[1 + len(values) - 1 :] for values, gradients in found]
        return [values for values, _ in found], context.all_reduce("SUM", weights)
    values, gradients = strategy.run(own)
    return strategy.gather(values, axis=0), strategy.experimental_local_results(gradients)[0]

# Both replicas start from the same states and readers: two equal halves of a batch.
half = slice(0, B // 2)
twice = [np.concatenate([a[half], a[half]]) for a in (X, MASK, FRESH)]
values, gradients = on_two(*twice)
for layer, value, gradient in zip(layers, values, gradients, strict=True):
    one = values_and_gradients(layer, X[half], mask=MASK[half], fresh=FRESH[half])
    assert_same([v[half] for v in value], one[0])
    assert_same([g / 2 for g in gradient], one[1][len(value) :])
print("the same")
"""


def test_two_devices_give_the_same():
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True)
    assert done.stdout == "the same\n", done.stderr
