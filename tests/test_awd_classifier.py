"""ULMFiT's classifier as its recipe describes it, and what it shares with the language model."""

import numpy as np
import pytest

from components.layer_groups import layer_groups
from configs import loading
from configs.loading import RecipeError
from pipeline import build

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh"]
IDS = np.array([[5, 6, 7, 8, 9], [10, 11, 0, 0, 0], [12, 5, 7, 0, 0]], np.int32)
TURNED = np.array([[9, 8, 7, 6, 5], [11, 10, 0, 0, 0], [7, 5, 12, 0, 0]], np.int32)


def recipe(task="classify", *settings):
    model = "{kind: awd_lstm, width: 4, units: 6, layers: 2, samples: 4, cutoffs: [5, 9]}"
    text = f"{{name: x, data: {{train: a}}, task: {{kind: {task}}}, model: {model}}}"
    return loading.parse(text, list(settings))


def made(*settings):
    return build.build_model(recipe("classify", *settings), VOCABULARY, 3)


@pytest.mark.parametrize("softmax", ["full", "adaptive"])
def test_what_reads_has_the_paths_and_shapes_that_it_has_in_a_language_model(softmax):
    language_model = build.build_model(
        recipe("language_model", f"model.softmax={softmax}"), VOCABULARY, 1
    )
    theirs = {weight.path: weight.shape for weight in language_model.weights}
    ours = {weight.path: weight.shape for weight in made().weights}
    shared = {path for path in ours if not path.startswith("head/")}
    assert {path.split("/")[0] for path in shared} == {"embeddings", "encoder"}
    assert {path: ours[path] for path in shared} == {path: theirs[path] for path in shared}
    assert {path.split("/")[0] for path in theirs.keys() - shared} == {"softmax"}


def test_groups_are_the_words_each_layer_and_the_head():
    groups = [{v.path.rsplit("/", 1)[0] for v in group} for group in layer_groups(made())]
    assert groups[:3] == [{"embeddings"}, {"encoder/layer_0"}, {"encoder/layer_1"}]
    assert all(path.startswith("head/") for path in groups[3])
    assert len(groups) == 4


def test_recipe_reaches_the_layers():
    model = made(
        "model.dropouts={words: 0.1, input: 0.2, weights: 0.3, hidden: 0.4, scale: 0.5}",
        "model.head={width: 7, dropouts: [0.25, 0.125]}",
        "train.window=3",
    )
    words, encoder, head = (model.get_layer(name) for name in ("embeddings", "encoder", "head"))
    assert words.dropout == 0.05
    rates = encoder.input_dropout, encoder.weight_dropout, encoder.hidden_dropout
    assert rates == (0.1, 0.15, 0.2)
    assert encoder.window == 3
    assert (head.units, head.dropouts) == (7, (0.25, 0.125))


def test_backward_reads_texts_from_their_ends():
    forward, backward = made("train.window=2"), made("train.window=2", "model.backward=true")
    backward.set_weights(forward.get_weights())
    logits = backward({"ids": IDS})["logits"]
    np.testing.assert_allclose(logits, forward({"ids": TURNED})["logits"], atol=1e-6)
    assert np.abs(logits - forward({"ids": IDS})["logits"]).max() > 1e-5


def test_rows_that_fill_up_a_batch_change_nothing():
    filled = np.concatenate([IDS, np.zeros((2, 5), np.int32)])
    no_dropout = ["model.dropouts.scale=0", "model.head.dropouts=[0, 0]"]
    one, other = made(*no_dropout), made(*no_dropout)
    logits = one({"ids": filled}, training=True)["logits"]
    # Features differ little before training, and so does what they are divided by.
    np.testing.assert_allclose(logits[:3], other({"ids": IDS}, training=True)["logits"], atol=1e-3)
    for weight, expected in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-6)
    moved = one.get_layer("head").norms[0].moving_mean
    assert np.abs(moved).max() > 0


def test_chunks_and_xla_do_not_go_together():
    with pytest.raises(RecipeError, match="which XLA and TPUs cannot compile"):
        made("train.xla=true")
