"""A new model starts from a folder that transformers wrote, as from an earlier run."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

from configs import loading
from pipeline import initial_weights
from pipeline.build import build_model
from pipeline.errors import JobError
from pipeline.huggingface import reading
from pipeline.training import checkpoints

TINY = Path(__file__).parents[1] / "huggingface" / "tiny_bert"
EXPECTED = json.loads((TINY / "expected.json").read_bytes())
SIZES = "layers: 2, width: 8, heads: 2, inner: 12, positions: 12"
VOCABULARY, LABELS = reading.read(TINY / "classifier")[1:3]


def started(
    kind, sizes=SIZES, vocabulary=VOCABULARY, labels=LABELS, task="classify", max_length=12
):
    """A model that starts from one of the folders, and what is said of it."""
    recipe = loading.parse(
        f"{{name: x, data: {{train: a}}, text: {{max_length: {max_length}}},"
        f" task: {{kind: {task}}}, model: {{kind: bert, {sizes}}}, init_from: {TINY / kind}}}"
    )
    model = build_model(recipe, vocabulary, len(labels))
    counts = np.ones(len(vocabulary), int)
    return model, initial_weights.start(model, recipe, vocabulary, labels, counts)


def weights(model):
    return checkpoints.arrays(checkpoints.by_path(model.weights))


def inputs():
    return {
        "ids": np.array(EXPECTED["input_ids"], np.int32),
        "types": np.array(EXPECTED["token_type_ids"], np.int32),
    }


def test_a_classifier_answers_as_in_transformers():
    model, told = started("classifier")
    logits = model(inputs(), training=False)["logits"]
    np.testing.assert_allclose(logits, EXPECTED["classifier"]["logits"], atol=1e-5)
    assert told["init_from.new"] == "none"
    assert told["init_from.vocabulary"].startswith("13 of 13 words, 92.9%")  # of 14 with [UNK]


def test_a_tagger_answers_as_in_transformers():
    model, told = started("tagger", labels=["B-x", "I-x", "O"], task="tag")
    starts = np.tile(np.arange(1, 9, dtype=np.int32), (2, 1))
    found = model({**inputs(), "starts": starts}, training=False)["logits"]
    wanted = np.array(EXPECTED["tagger"]["logits"])[:, :8]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert told["init_from.new"] == "none"


def test_pretraining_goes_on_as_in_transformers():
    model, told = started("pretraining", labels=[], task="masked_language_model")
    places = np.tile(np.arange(12, dtype=np.int32), (2, 1))
    wanted = np.array(EXPECTED["pretraining"]["prediction_logits"])
    keep = np.array(EXPECTED["attention_mask"]) == 1
    right = wanted.argmax(-1).astype(np.int32)
    found = model({**inputs(), "places": places, "targets": right}, training=False)
    np.testing.assert_array_equal(found["tokens"].numpy()[keep], right[keep])
    losses = -log_softmax(wanted, -1).max(-1) * (right > 0)
    np.testing.assert_allclose(found["losses"].numpy()[keep], losses[keep], atol=1e-5)
    related = EXPECTED["pretraining"]["seq_relationship_logits"]
    np.testing.assert_allclose(found["next_logits"], related, atol=1e-5)
    assert told["init_from.new"] == "none"


def test_another_question_about_pairs_has_a_head_of_its_own():
    _, told = started("pretraining", labels=[], task="masked_language_model, pairs: order")
    assert told["init_from.new"] == "nsp"
    _, told = started("pretraining", labels=[], task="masked_language_model, pairs: none")
    assert told["init_from.new"] == "none"


def test_a_span_model_answers_as_in_transformers():
    sizes = SIZES.replace("positions: 12", "positions: 100")
    model, told = started("span", sizes, labels=[], task="span", max_length=100)
    found = model(inputs(), training=False)
    for row, types in enumerate(EXPECTED["token_type_ids"]):
        context = np.flatnonzero(types)
        for name in ("start_logits", "end_logits"):
            wanted = np.array(EXPECTED["span"][name])[row, context]
            np.testing.assert_allclose(found[name][row].numpy()[context], wanted, atol=1e-5)
    assert told["init_from.new"] == "none"


@pytest.mark.parametrize(
    ("kind", "labels"), [("pretraining", LABELS), ("classifier", ["other", "labels"])]
)
def test_other_labels_have_a_head_of_their_own(kind, labels):
    model, told = started(kind, labels=labels)
    assert told["init_from.new"] == "head"
    found = reading.read(TINY / kind)[-1]
    for path, value in weights(model).items():
        if not path.startswith(("head/", "seed_generator")) and path in found:
            np.testing.assert_array_equal(value, found[path], err_msg=path)
    assert {"pooler/kernel", "encoder/layer_1/outer/bias"} <= found.keys() & weights(model).keys()


def test_words_go_over_by_their_spelling():
    # As many words as positions, so that one could be taken for the other.
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sat", "dog", "cat", *"efgh"]
    model, told = started("pretraining", vocabulary=words)
    table = reading.read(TINY / "pretraining")[-1]["embeddings/table"]
    found = weights(model)["embeddings/table"]
    for new, word in enumerate(words):
        known = word in VOCABULARY
        wanted = table[VOCABULARY.index(word)] if known else table.mean(axis=0)
        np.testing.assert_allclose(found[new], wanted, rtol=1e-6, err_msg=word)
    positions = reading.read(TINY / "pretraining")[-1]["embeddings/positions"]
    np.testing.assert_array_equal(weights(model)["embeddings/positions"], positions)
    assert told["init_from.vocabulary"].startswith("2 of 7 words")


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        (SIZES.replace("heads: 2", "heads: 4"), r"has heads 4; say model: {kind: bert, heads: 2,"),
        (SIZES.replace("layers: 2", "layers: 1"), "has layers 1; say .*layers: 2"),
        (SIZES.replace(", inner: 12", ""), "has inner 32; say .*inner: 12"),
        (f"{SIZES}, activation: gelu_tanh", "has activation gelu_tanh; say .*activation: gelu"),
        (f"{SIZES}, epsilon: 1.0e-5", "has epsilon 1e-05; say .*epsilon: 1e-12"),
        ("size: tiny", "has layers|width 128"),
    ],
)
def test_other_sizes_are_said(sizes, said):
    with pytest.raises(JobError, match=said):
        started("pretraining", sizes)


def test_a_preset_of_keras_hub(tmp_path):
    import keras_hub

    backbone = keras_hub.models.BertBackbone(len(VOCABULARY), 2, 2, 8, 12, max_sequence_length=12)
    backbone.save_to_preset(str(tmp_path))
    keras_hub.models.BertTokenizer(VOCABULARY, lowercase=True).save_to_preset(str(tmp_path))
    with pytest.raises(JobError, match=r"say .*activation: gelu_tanh"):
        started(tmp_path)
    model, told = started(tmp_path, f"{SIZES}, activation: gelu_tanh")
    assert told["init_from.new"] == "head"
    found = weights(model)
    np.testing.assert_array_equal(
        found["embeddings/table"], backbone.get_layer("token_embedding").embeddings.numpy()
    )


def test_a_folder_that_is_not_there():
    with pytest.raises(JobError, match="there is no trained run"):
        started("nothing")
