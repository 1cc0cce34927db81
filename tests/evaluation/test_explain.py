"""What the explanation says must be what the model did."""

import keras
import numpy as np
import pytest

from components.embeddings import WordEmbeddings
from components.heads import LinearHead
from components.ngrams import NGramFeatures
from components.text_cnn import text_cnn
from pipeline.batching import batch
from pipeline.data import Sequences, Split
from pipeline.evaluation import explain, strongest

LOST, CARD = 7, 8  # tokens


def make_model(num_outputs=3, **features):
    keras.utils.set_random_seed(0)
    return text_cnn(
        WordEmbeddings(20, 6, name="embeddings"),
        NGramFeatures((2, 3), filters=5, name="features", **features),
        LinearHead(num_outputs, name="head"),
    )


def make_split(labels, lengths=(5, 1, 9, 2, 7, 3)):
    random = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = random.integers(9, 20, size=offsets[-1]).astype(np.int32)
    return Split(
        inputs={"ids": Sequences(tokens, offsets)},
        labels=np.asarray(labels),
        weights=np.ones(len(lengths), np.float32),
        texts=[""] * len(lengths),
        columns={},
    )


@pytest.mark.parametrize(
    "pooling", [{"pooling": "max"}, {"pooling": "average"}, {"pooling": "kmax", "k": 3}]
)
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 2])
def test_parts_and_bias_add_up_to_the_logits(pooling, padding, stride):
    model = make_model(padding=padding, stride=stride, **pooling)
    random = np.random.default_rng(1)
    for weight in model.get_layer("features").biases:
        weight.assign(random.uniform(-0.1, 0.1, size=weight.shape))
    bias = np.array([0.5, -1.0, 2.0], np.float32)
    model.get_layer("head").project.bias.assign(bias)
    for low in model.get_layer("features").biases:
        low.assign([-0.3, -0.2, -0.1, 0.0, 0.1])  # so that fewer than k responses are above 0
    ids = batch(make_split(np.zeros(6)), np.arange(6), 1)["ids"]
    parts = sum(seen.parts(seen.weights).sum(axis=1) for seen in explain.windows(model, ids))
    np.testing.assert_allclose(
        parts + bias, model.predict({"ids": ids}, verbose=0)["logits"], atol=1e-5
    )
    assert np.abs(parts).max() > 0.1


@pytest.mark.parametrize(
    ("padding", "stride"), [("same", 1), ("same", 2), ("valid", 1), ("valid", 2)]
)
def test_a_span_holds_the_tokens_that_its_window_read(padding, stride):
    """Average pooling lets all responses through; each must be the filter at its span's tokens."""
    model = make_model(padding=padding, stride=stride, pooling="average")
    split = make_split(np.zeros(6))
    row = 2
    ids = split.ids[row]
    table = model.get_layer("embeddings")(np.arange(20)).numpy()
    checked = 0
    features = model.get_layer("features")
    for seen, kernel, bias in zip(
        explain.windows(model, ids[None]), features.kernels, features.biases, strict=True
    ):
        number = (len(ids) - (0 if padding == "same" else seen.width - 1) - 1) // stride + 1
        for n in range(len(seen.starts)):
            tokens = ids[seen.span(n, len(ids))]
            if len(tokens) == seen.width:
                response = np.maximum(
                    np.tensordot(table[tokens], kernel.numpy(), 2) + bias.numpy(), 0
                )
                np.testing.assert_allclose(seen.passed[0, n, :, 0] * number, response, atol=1e-5)
                checked += 1
    assert checked >= 6


def model_that_looks_for(token, num_outputs=2):
    """Filter 0 of width 2 fires at the token alone, and speaks for the last class."""
    model = make_model(num_outputs)
    embeddings, features, head = (model.get_layer(n) for n in ("embeddings", "features", "head"))
    table = np.zeros((20, 6), np.float32)
    table[token, 0] = 1.0
    embeddings.set_vectors(table)
    for kernel in features.kernels:
        kernel.assign(np.zeros(kernel.shape))
    kernel = np.zeros(features.kernels[0].shape)
    kernel[1, 0, 0] = 4.0  # at the second token of the window
    features.kernels[0].assign(kernel)
    weights = np.zeros(head.project.kernel.shape)
    weights[0, -1] = 0.5
    head.project.kernel.assign(weights)
    return model


def split_with_lost_card(labels):
    split = make_split(labels)
    split.ids[2][3:5] = [CARD, LOST]
    split.ids[3][0] = LOST
    return split


def test_deciding_window_is_the_one_that_the_model_looks_for():
    split = split_with_lost_card(np.zeros(6, int))
    weigh = np.tile([-1.0, 1.0], (3, 1))
    found = explain.deciding(model_that_looks_for(LOST), split, np.array([2, 3, 4]), weigh)
    # `same` windows of width 2 start at their token, so that LOST is second in one window at most.
    assert found == [[(slice(3, 5), 2.0)], [], []]


@pytest.mark.parametrize(
    ("kind", "labels", "outputs", "expected", "weights"),
    [
        ("classify", [0, 0, 1, 0, 0, 1], 2, [[], [((CARD, LOST), 1.0)]], [-0.25, 0.25]),
        ("multilabel", [[1, 0], [0, 0], [1, 1]] * 2, 2, [[], [((CARD, LOST), 2.0)]], [0, 0.5]),
        ("regress", [0.5] * 6, 1, [[], [((CARD, LOST), 2.0)]], [-0.5, 0.5]),
    ],
)
def test_strongest_ngrams_are_those_the_model_looks_for(kind, labels, outputs, expected, weights):
    model, split = model_that_looks_for(LOST, outputs), split_with_lost_card(labels)
    classes, (first, _) = strongest.search(model, split, kind, seed=0, filters=2)
    assert classes == expected
    assert (first["width"], first["filter"]) == (2, 0)
    assert first["ngrams"] == [((CARD, LOST), 4.0)]
    np.testing.assert_allclose(first["weights"], weights)


def test_strongest_ngrams_are_the_maximum_over_all_texts():
    """Against a search of every text by itself."""
    model, split = make_model(), make_split([0, 1, 2, 0, 1, 2])
    best = [{} for _ in range(3)]
    for row, label in enumerate(split.labels):
        ids = split.ids[row]
        for seen in explain.windows(model, ids[None]):
            parts = seen.parts(seen.weights)[0]
            for n, part in enumerate(parts[:, label] - parts.mean(axis=1)):
                ngram = tuple(ids[seen.span(n, len(ids))].tolist())
                best[label][ngram] = max(part, best[label].get(ngram, 0))
    classes, _ = strongest.search(model, split, "classify", seed=0)
    for found, every in zip(classes, best, strict=True):
        expected = sorted(every, key=every.get, reverse=True)[: len(found)]
        assert [ngram for ngram, _ in found] == expected
        assert found[0][1] == pytest.approx(every[expected[0]], abs=1e-5)
