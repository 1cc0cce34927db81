"""A preset that keras-hub writes, and what keras-hub's own model computes of it."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from bert_layers import BertLayers

from configs.transformers import Bert
from pipeline import keras_hub_presets
from pipeline.errors import JobError

VOCABULARY = Path(__file__).parent / "tiny_bert" / "pretraining" / "vocab.txt"
IDS = np.array([[3, 6, 7, 8, 4, 12, 4], [3, 10, 4, 0, 0, 0, 0]], np.int32)
TYPES = np.array([[0, 0, 0, 0, 0, 1, 1], [0] * 7], np.int32)


@pytest.fixture(scope="module")
def backbone():
    import keras_hub

    made = keras_hub.models.BertBackbone(18, 2, 2, 8, 12, max_sequence_length=9)
    random = np.random.default_rng(0)
    for variable in made.weights:
        variable.assign(
            random.normal(1.0 if "gamma" in variable.path else 0.0, 0.3, variable.shape)
        )
    return made


@pytest.fixture
def preset(backbone, tmp_path):
    import keras_hub

    tokens = VOCABULARY.read_text(encoding="utf-8").split()
    backbone.save_to_preset(str(tmp_path))
    keras_hub.models.BertTokenizer(tokens, lowercase=True).save_to_preset(str(tmp_path))
    return tmp_path


def test_it_computes_the_same(backbone, preset):
    recipe, vocabulary, labels, weights = keras_hub_presets.read(preset)
    sizes = {"layers": 2, "width": 8, "heads": 2, "inner": 12, "positions": 9}
    assert recipe.model == Bert(kind="bert", activation="gelu_tanh", **sizes)
    assert (vocabulary[5:7], len(vocabulary), labels) == (["[MASK]", "the"], 18, [])
    hidden, pooled = BertLayers(recipe.model, weights)(IDS, TYPES)
    keep = IDS != 0
    wanted = backbone({"token_ids": IDS, "segment_ids": TYPES, "padding_mask": keep})
    wanted = keras.tree.map_structure(np.asarray, wanted)
    np.testing.assert_allclose(hidden[keep], wanted["sequence_output"][keep], atol=1e-5)
    np.testing.assert_allclose(pooled, wanted["pooled_output"], atol=1e-5)


def test_how_words_are_spelled_and_what_stands_for_it(preset):
    assert keras_hub_presets.is_preset(preset)
    assert keras_hub_presets.spelling(preset) == {"lower": True, "strip_accents": False}
    before = keras_hub_presets.content(preset)
    (preset / "assets/tokenizer/vocabulary.txt").write_text("[PAD]\n[UNK]\n")
    assert keras_hub_presets.content(preset) != before


def test_what_cannot_be_read(preset):
    config = json.loads((preset / "config.json").read_text())
    (preset / "config.json").write_text(json.dumps({**config, "registered_name": "other"}))
    with pytest.raises(JobError, match="reads a keras_hub>BertBackbone, got other"):
        keras_hub_presets.read(preset)
    (preset / "config.json").write_text(json.dumps(config))
    (preset / "model.weights.h5").write_bytes(b"no weights")
    with pytest.raises(JobError, match="keras-hub cannot read"):
        keras_hub_presets.read(preset)
    (preset / "model.weights.h5").unlink()
    with pytest.raises(JobError, match=r"lacks model.weights.h5: write it with save_to_preset"):
        keras_hub_presets.read(preset)
