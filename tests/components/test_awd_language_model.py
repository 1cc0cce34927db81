"""The AWD-LSTM as a language model against sums by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.awd_language_model import awd_language_model
from components.awd_lstm import AwdLstm
from components.dropouts import LockedDropout
from components.full_softmax import FullSoftmax
from components.sampled_softmax import SampledSoftmax
from components.word_table import WordTable

LENGTHS, V, U, D = (9, 4, 1, 0), 20, 8, 6
B, T = len(LENGTHS), max(LENGTHS)
REAL = np.arange(T) < np.array(LENGTHS)[:, None]
RANDOM = np.random.default_rng(0)
INPUTS = {
    "ids": (RANDOM.integers(1, V, (B, T)) * REAL).astype(np.int32),
    "targets": (RANDOM.integers(1, V, (B, T)) * REAL).astype(np.int32),
    "fresh": (RANDOM.random((B, T)) < 0.4) & REAL,
}


def model(dtype="float32", ar=2.0, tar=1.0, softmax=FullSoftmax, tied=True, **drops):
    rates = {"words": 0.0, "input": 0.0, "hidden": 0.0, "weights": 0.0, "output": 0.0} | drops
    words = WordTable(V, D, rates["words"], seed=1, dtype=dtype, name="embeddings")
    encoder = AwdLstm(
        U,
        D,
        2,
        input_dropout=rates["input"],
        hidden_dropout=rates["hidden"],
        weight_dropout=rates["weights"],
        seed=2,
        dtype=dtype,
        name="encoder",
    )
    drop = LockedDropout(rates["output"], 3, dtype=dtype, name="drop")
    extra = {"num_sampled": 5} if softmax is SampledSoftmax else {}
    predict = softmax(V, tied=tied, seed=4, dtype=dtype, name="softmax", **extra)
    made = awd_language_model(words, encoder, drop, predict, ar, tar)
    random = np.random.default_rng(1)
    for weight in made.weights:
        weight.assign(random.normal(size=weight.shape) * 0.5)
    return made


def asked(net, inputs=INPUTS, rows=B, training=False, **states):
    zeros = {
        name: np.zeros((rows, tensor.shape[-1]), np.float32)
        for name, tensor in net.input.items()
        if name.startswith("state_")
    }
    answers = net({**inputs, **zeros, **states}, training=training)
    return {name: np.asarray(answer, np.float32) for name, answer in answers.items()}


def cut(part):
    return {name: x[:, part] for name, x in INPUTS.items()}


@pytest.mark.parametrize("tied", [False, True])
def test_losses_are_of_a_softmax_over_the_table_of_words(tied):
    net = model(tied=tied)
    found = asked(net)
    kernel = net.get_layer("embeddings").table if tied else net.get_layer("softmax").kernel
    scores = found["hidden"] @ kernel.numpy().T + net.get_layer("softmax").bias.numpy()
    chances = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    expected = -np.log(np.take_along_axis(chances, INPUTS["targets"][..., None], axis=-1))[..., 0]
    np.testing.assert_allclose(found["losses"][REAL], expected[REAL], atol=1e-5)
    raw, _ = net.get_layer("encoder")(
        net.get_layer("embeddings")(INPUTS["ids"])[0], mask=REAL, fresh=INPUTS["fresh"]
    )
    np.testing.assert_allclose(found["hidden"], raw, atol=1e-6)


def penalty(raw, hidden, ar, tar):
    """Row by row, pair by pair."""
    found = np.zeros(B)
    for row, length in enumerate(LENGTHS):
        squares = [np.mean(hidden[row, t] ** 2) for t in range(length)]
        changes = [
            np.mean((raw[row, t] - raw[row, t - 1]) ** 2)
            for t in range(1, length)
            if not INPUTS["fresh"][row, t]
        ]
        found[row] = ar * np.mean(squares or [0]) + tar * np.mean(changes or [0])
    return found


@pytest.mark.parametrize(("ar", "tar"), [(2.0, 1.0), (0.5, 0.0), (0.0, 3.0)])
def test_penalties(ar, tar):
    """AR is of the dropped outputs, TAR of those before."""
    net = model(ar=ar, tar=tar, output=0.5)
    assert INPUTS["fresh"][0, 1:].any()
    assert not INPUTS["fresh"][0, 1:].all()
    raw, found = asked(net)["hidden"], asked(net, training=True)
    assert (found["hidden"] != raw).any()
    expected = penalty(raw, found["hidden"], ar, tar)
    np.testing.assert_allclose(found["penalty"], expected, rtol=1e-5, atol=1e-7)
    assert expected[0] > 0.001
    assert expected[3] == 0


def test_penalties_of_a_full_batch_are_the_published_means():
    """torch: alpha * dropped.pow(2).mean() + beta * (raw[1:] - raw[:-1]).pow(2).mean()."""
    inputs = {**INPUTS, "ids": INPUTS["ids"] + 1, "fresh": np.zeros_like(INPUTS["fresh"])}
    found = asked(model(), inputs)
    h = found["hidden"]
    expected = 2 * np.mean(h**2) + np.mean((h[:, 1:] - h[:, :-1]) ** 2)
    assert np.mean(found["penalty"]) == pytest.approx(expected, rel=1e-5)


def test_without_weight_there_is_no_penalty():
    assert "penalty" not in model(ar=0.0, tar=0.0).output


def test_a_row_alone_is_the_row_in_a_padded_batch():
    net = model()
    whole = asked(net)
    for row, length in enumerate(LENGTHS[:3]):
        own = {name: x[row : row + 1, :length] for name, x in INPUTS.items()}
        alone = asked(net, own, rows=1)
        for name, answer in alone.items():
            expected = whole[name][row]
            expected = expected[:length] if name in ("losses", "hidden") else expected
            np.testing.assert_allclose(answer[0], expected, atol=1e-5, err_msg=name)


def test_windows_with_carried_states_are_one_window():
    net = model()
    whole, first = asked(net), asked(net, cut(slice(0, 4)))
    carried = {name: x for name, x in first.items() if name.startswith("state_")}
    assert len(carried) == 4
    second = asked(net, cut(slice(4, None)), **carried)
    for name in ("losses", "hidden"):
        joined = np.concatenate([first[name], second[name]], axis=1)
        np.testing.assert_allclose(joined[REAL], whole[name][REAL], atol=1e-5)
    for name in carried:
        np.testing.assert_allclose(second[name], whole[name], atol=1e-5)


@pytest.mark.parametrize(
    "drops", [{"words": 0.5}, {"input": 0.5}, {"hidden": 0.5}, {"weights": 0.5}, {"output": 0.5}]
)
def test_each_dropout_drops_in_training_alone(drops):
    net, without = model(**drops), model()
    np.testing.assert_allclose(asked(net)["losses"], asked(without)["losses"], atol=1e-6)
    first, second = (asked(net, training=True)["losses"] for _ in range(2))
    assert (first[REAL] != second[REAL]).any()
    assert (first[REAL] != asked(without)["losses"][REAL]).any()
    same = asked(model(**drops), training=True)["losses"]
    np.testing.assert_array_equal(same[REAL], first[REAL])


@pytest.mark.parametrize("softmax", [FullSoftmax, SampledSoftmax])
def test_half_precision(softmax):
    net, exact = model("mixed_bfloat16", softmax=softmax), model(softmax=softmax)
    found, expected = asked(net), asked(exact)
    for name in ("losses", "penalty", "hidden"):
        close = 0.05 * np.abs(expected[name]).max()
        np.testing.assert_allclose(found[name], expected[name], atol=close)
    assert net.output["losses"].dtype == net.output["penalty"].dtype == "float32"
    assert net.output["state_0"].dtype == "float32"
    assert net.output["hidden"].dtype == "bfloat16"


@pytest.mark.parametrize("softmax", [FullSoftmax, SampledSoftmax])
def test_reading_and_predicting_both_teach_the_table(softmax):
    net = model(softmax=softmax, tar=0.0, ar=0.0)
    paths = [weight.path for weight in net.trainable_variables]
    assert paths.count("embeddings/table") == 1
    assert "softmax/kernel" not in paths
    with tf.GradientTape() as tape:
        states = {
            n: np.zeros((B, x.shape[-1]), np.float32)
            for n, x in net.input.items()
            if n.startswith("state_")
        }
        losses = net({**INPUTS, **states}, training=True)["losses"]
        loss = tf.reduce_sum(losses * REAL)
    table = tf.convert_to_tensor(tape.gradient(loss, net.get_layer("embeddings").table.value))
    touched = np.abs(table).max(axis=1) > 0
    assert touched.all() if softmax is FullSoftmax else touched.sum() >= 5


def test_it_can_be_saved(tmp_path):
    net = model(output=0.3)
    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    for name, answer in asked(net).items():
        np.testing.assert_array_equal(asked(again)[name], answer, err_msg=name)
