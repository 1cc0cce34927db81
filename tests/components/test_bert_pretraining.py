"""The losses of BERT's pretraining, against the formulas in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import erf, log_softmax

from components.bert_pretraining import bert_pretraining, pretraining_loss
from components.masked_lm_head import MaskedLMHead
from components.next_sentence_head import NextSentenceHead
from components.pooler import Pooler
from components.token_embeddings import TokenEmbeddings
from components.transformer import Transformer

RANDOM = np.random.default_rng(0)
B, T, M, D, V = 4, 9, 3, 8, 30
LENGTHS = np.array([9, 5, 7, 3])
IDS = (RANDOM.integers(5, V, (B, T)) * (np.arange(T) < LENGTHS[:, None])).astype(np.int32)
NUMBER = np.array([3, 1, 2, 0])  # of masks
PLACES = np.array([[1, 4, 8], [2, 0, 0], [1, 5, 0], [0, 0, 0]], np.int32)
TARGETS = (RANDOM.integers(5, V, (B, M)) * (np.arange(M) < NUMBER[:, None])).astype(np.int32)
BATCH = {
    "ids": IDS,
    "types": (np.arange(T) > 2).astype(np.int32) * (IDS > 0),
    "places": PLACES,
    "targets": TARGETS,
    "next": np.array([0, 1, 1, 0], np.int32),
    "token_weight": np.full(B, B / NUMBER.sum(), np.float32),
}


def pretraining(pairs=True, **policy):
    embeddings = TokenEmbeddings(V, D, T, num_types=2, name="embeddings", **policy)
    encoder = Transformer(1, 2, 16, dropout=0.0, attention_dropout=0.0, name="encoder", **policy)
    heads = (Pooler(name="pooler", **policy), NextSentenceHead(name="nsp", **policy))
    masked = MaskedLMHead(V, name="mlm", **policy)
    model = bert_pretraining(embeddings, encoder, masked, *(heads if pairs else ()))
    for weight in model.weights:
        weight.assign(weight + RANDOM.normal(0, 0.3, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return pretraining()


def ask(model, batch=BATCH, training=False):
    return model({name: batch[name] for name in model.input}, training=training)


def scores(model, vectors):
    """google-research/bert, `get_masked_lm_output`, in float64."""
    weights = {w.path: np.float64(w.numpy()) for w in model.weights}
    x = np.take_along_axis(np.float64(vectors), PLACES[..., None], axis=1)
    x = x @ weights["mlm/transform/kernel"] + weights["mlm/transform/bias"]
    x = x * 0.5 * (1 + erf(x / np.sqrt(2)))
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
    x = x * weights["mlm/norm/gamma"] + weights["mlm/norm/beta"]
    return x @ weights["embeddings/table"].T + weights["mlm/bias"]


@pytest.mark.parametrize("training", [False, True])
def test_losses_and_tokens_are_those_of_the_formula(model, training):
    outputs = ask(model, training=training)
    found = log_softmax(scores(model, outputs["vectors"]), axis=-1)
    expected = -np.take_along_axis(found, TARGETS[..., None], axis=-1)[..., 0] * (TARGETS > 0)
    np.testing.assert_allclose(outputs["losses"], expected, atol=2e-5)
    np.testing.assert_array_equal(outputs["tokens"], found.argmax(-1))
    head = {w.name: w.numpy() for w in model.get_layer("nsp").weights}
    logits = np.float64(outputs["pooled"]) @ head["kernel"] + head["bias"]
    np.testing.assert_allclose(outputs["next_logits"], logits, atol=1e-5)


def test_the_mean_over_rows_is_the_mean_of_masks_and_that_of_pairs(model):
    outputs = ask(model)
    pairs = -log_softmax(np.float64(outputs["next_logits"]), axis=-1)[np.arange(B), BATCH["next"]]
    expected = np.sum(outputs["losses"]) / NUMBER.sum() + pairs.mean()
    assert np.mean(pretraining_loss(outputs, BATCH)) == pytest.approx(expected, rel=1e-6)
    lighter = np.mean(pretraining_loss(outputs, BATCH, pair_weight=0.25))
    assert lighter == pytest.approx(expected - 0.75 * pairs.mean(), rel=1e-6)
    # In parts, as replicas and accumulation take a batch.
    parts = [{name: x[rows] for name, x in BATCH.items()} for rows in (slice(0, 1), slice(1, 4))]
    found = [pretraining_loss(ask(model, part), part).numpy().sum() for part in parts]
    assert sum(found) / B == pytest.approx(expected, rel=1e-5)


def test_without_pairs_there_is_the_loss_of_masks_alone():
    model = pretraining(pairs=False)
    outputs = ask(model)
    assert outputs.keys() == {"losses", "tokens", "vectors"}
    expected = np.sum(outputs["losses"]) / NUMBER.sum()
    assert np.mean(pretraining_loss(outputs, BATCH)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_gradients_reach_the_table_from_both_uses(policy):
    model = pretraining(dtype=policy)
    table, head = model.get_layer("embeddings").table, model.get_layer("mlm")

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(ask(model)["losses"])
        return tf.convert_to_tensor(tape.gradient(loss, table.value))

    both = gradients().numpy()
    with tf.GradientTape() as tape:  # as what is predicted alone
        vectors = tf.stop_gradient(ask(model)["vectors"])
        predicted = tf.reduce_sum(head(vectors, PLACES, TARGETS, table.value)["losses"])
    own = tape.gradient(predicted, table.value).numpy()
    read = np.isin(np.arange(V), IDS[NUMBER > 0]) & (np.arange(V) > 0)  # 0 is padding
    near = {"atol": 1e-5 if policy == "float32" else 0.02}
    np.testing.assert_allclose(both[~read], own[~read], **near)
    assert np.abs(own).max(axis=1).all()
    assert np.abs(both[read] - own[read]).max(axis=1).min() > 1e-3


def test_answers_do_not_depend_on_padding(model):
    outputs = ask(model)
    for n in range(B - 1):
        row = {name: x[n : n + 1] for name, x in BATCH.items()}
        for name in ("ids", "types"):
            row[name] = row[name][:, : LENGTHS[n]]
        for name in ("places", "targets"):
            row[name] = row[name][:, : NUMBER[n]]
        alone = ask(model, row)
        losses = outputs["losses"][n, : NUMBER[n]]
        np.testing.assert_allclose(alone["losses"][0], losses, atol=1e-5)
        np.testing.assert_allclose(alone["next_logits"][0], outputs["next_logits"][n], atol=1e-5)


def test_weights_have_the_names_that_other_files_know():
    paths = {weight.path for weight in pretraining().weights}
    assert {path for path in paths if not path.startswith(("embeddings/", "encoder/"))} == {
        *(f"mlm/transform/{name}" for name in ("kernel", "bias")),
        *(f"mlm/norm/{name}" for name in ("gamma", "beta")),
        "mlm/bias",
        *(f"{layer}/{name}" for layer in ("pooler", "nsp") for name in ("kernel", "bias")),
    }
