"""From a recipe to the model that it describes."""

import json
import re

import keras
import numpy as np
import pytest

from configs import loading
from pipeline import build
from pipeline.training import randomness

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat"]
RECIPE = """
name: small
data: {train: train.csv}
task: {kind: classify}
model: {kind: text_cnn, embedding: {width: 4}, widths: [2, 3], filters: 16}
"""
IDS = np.array([[5, 6, 7, 6, 5], [7, 0, 0, 0, 0], [6, 5, 0, 0, 0]], np.int32)


def made(*overrides):
    return build.build_model(loading.parse(RECIPE, overrides), VOCABULARY, 3)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("xla", ["true", "false"])
def test_logits_are_float32_and_do_not_notice_padding(precision, xla):
    model = made(f"train.precision={precision}", f"train.xla={xla}", "model.padding=valid")
    logits = np.asarray(model({"ids": IDS})["logits"])
    assert logits.shape == (3, 3)
    assert logits.dtype == np.float32
    for row, ids in zip(logits, IDS, strict=True):
        alone = model({"ids": ids[ids != 0][None]})["logits"]
        np.testing.assert_allclose(alone[0], row, atol=1e-6 if precision == "float32" else 2e-2)


def test_recipe_reaches_the_layers():
    model = made(
        "model.padding=valid", "model.stride=2", "model.pooling=kmax", "model.k=4",
        "model.dropout=0.25", "model.max_norm=null",
    )  # fmt: skip
    words, features, head = (model.get_layer(n) for n in ("embeddings", "features", "head"))
    assert (words.vocabulary_size, words.width, words.kind) == (8, 4, "random")
    assert (features.widths, features.filters, features.padding) == ((2, 3), 16, "valid")
    assert (features.stride, features.pooling, features.k) == (2, "kmax", 4)
    assert (head.num_outputs, head.dropout, head.max_norm) == (3, 0.25, None)


def test_weights_have_the_same_paths_and_values_in_every_build():
    def weights(*overrides):
        return {weight.path: weight.numpy() for weight in made(*overrides).weights}

    first, again, other = weights(), weights("train.xla=true"), weights("seed=2")
    assert first.keys() == again.keys()
    for path, weight in first.items():
        np.testing.assert_array_equal(weight, again[path])
        assert not weight.any() or np.abs(weight - other[path]).max() > 0


@pytest.mark.parametrize("kind", ["text_cnn", "rnn", "lstm", "gru", "bert", "gpt"])
def test_a_step_without_gradient_takes_from_all_weights_but_biases_and_norms(kind):
    size = {"layers": 1, "width": 16, "heads": 2} if kind in ("bert", "gpt") else {}
    small = {"kind": kind, **size} if size else {"kind": kind, "embedding": {"width": 4}}
    recipe = loading.parse(
        f"{{name: x, data: {{train: x}}, task: {{kind: classify}}, model: {json.dumps(small)}}}",
        ["train.optimizer={kind: adam, weight_decay: 0.5}", "train.learning_rate=0.1"],
    )
    model = build.build_model(recipe, VOCABULARY, 3)
    variables = model.trainable_variables
    optimizer = build.build_optimizer(recipe.train, 10, [variables])
    for variable in variables:
        variable.assign(np.ones(variable.shape))
    optimizer.apply_gradients([(np.zeros(v.shape, np.float32), v) for v in variables])
    decayed = {v.path: float(np.min(v)) < 1 for v in variables}
    spared = {v.path for v in variables if re.search("bias|gamma|beta", v.name)}
    assert spared
    assert {path for path, shrunk in decayed.items() if not shrunk} == spared


def test_every_random_layer_can_be_found(monkeypatch):
    """The training loop binds each seed generator to the step; one that it missed would not be."""
    created = []
    original = keras.random.SeedGenerator.__init__

    def recording(self, *args, **kwargs):
        original(self, *args, **kwargs)
        created.append(self)

    monkeypatch.setattr(keras.random.SeedGenerator, "__init__", recording)
    model = made()
    assert created
    assert {id(g) for g in randomness.seed_generators(model)} == {id(g) for g in created}


@pytest.mark.parametrize(
    ("kind", "channels"), [("static", 1), ("nonstatic", 1), ("multichannel", 2)]
)
def test_pretrained_vectors_are_the_start(kind, channels, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("the 1 2 3 4\ncat 5 6 7 8\n")
    recipe = loading.parse(RECIPE, [f"model.embedding={{kind: {kind}, width: 4, path: '{path}'}}"])
    model = build.build_model(recipe, VOCABULARY, 3)
    coverage = build.start_from_vectors(
        model, recipe, VOCABULARY, np.array([0, 1, 0, 0, 0, 6, 2, 1])
    )
    assert (coverage.words, coverage.found, coverage.running) == (3, 2, 0.8)
    rows = model.get_layer("embeddings")(np.array([5, 6]))
    np.testing.assert_allclose(rows, channels * np.array([[1, 2, 3, 4], [5, 6, 7, 8]]))


def test_without_vectors_there_is_nothing_to_start_from():
    recipe = loading.parse(RECIPE, [])
    assert build.start_from_vectors(made(), recipe, VOCABULARY) is None
