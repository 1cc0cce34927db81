"""A folder that transformers wrote (make_tiny_bert.py): its weights by our paths, and back."""

import json
import shutil
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from configs.transformers import Bert
from pipeline.errors import JobError
from pipeline.huggingface import reading, spelling, weights

TINY = Path(__file__).with_name("tiny_bert")
KINDS = {
    "pretraining": "masked_language_model",
    "classifier": "classify",
    "tagger": "tag",
    "span": "span",
}


@pytest.fixture
def folder(tmp_path):
    """A copy of the one for pretraining, to be changed."""
    shutil.copytree(TINY / "pretraining", tmp_path / "bert")
    return tmp_path / "bert"


def configure(folder, name="config.json", **values):
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def renamed(folder, rename):
    """The same weights under other names; those without a name are left out."""
    path = folder / "model.safetensors"
    save_file({rename(n): v for n, v in load_file(path).items() if rename(n)}, path)


def same(some, others):
    assert some.keys() == others.keys()
    for name, value in some.items():
        np.testing.assert_array_equal(value, others[name], err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_written_as_it_was(kind):
    recipe, _, _, found = reading.read(TINY / kind)
    assert recipe.task.kind == KINDS[kind]
    same(weights.write(found, 2, recipe.task.kind), load_file(TINY / kind / "model.safetensors"))


def test_sizes_words_and_labels():
    recipe, vocabulary, labels, _ = reading.read(TINY / "classifier")
    expected = Bert(kind="bert", layers=2, width=8, heads=2, inner=12, positions=12)
    assert recipe.model == expected
    assert vocabulary[:6] == ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert (len(vocabulary), vocabulary[-1]) == (18, "漢")
    assert labels == ["bad", "fine", "good"]
    assert reading.read(TINY / "pretraining")[2] == []


@pytest.fixture
def version_5(folder):
    """The folder as transformers 5 writes it: tokenizer.json alone, made by its own library."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=False)
    made.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").unlink()
    return folder


def test_tokens_of_version_5(version_5):
    assert reading.read(version_5)[1] == reading.read(TINY / "pretraining")[1]
    # Where texts are cleaned as tokenizer_config.json says, its own cleaning does not count.
    assert spelling.read(version_5) == {"lower": True, "strip_accents": True}


def test_tokens_that_cannot_be_used(version_5):
    path = version_5 / "tokenizer.json"
    said = json.loads(path.read_text())
    del said["model"]["vocab"]["the"]
    path.write_text(json.dumps(said))
    with pytest.raises(JobError, match="ids of its 17 tokens do not count from 0"):
        reading.read(version_5)
    path.write_text(json.dumps({"model": {"type": "BPE"}}))
    with pytest.raises(JobError, match="reads a model of type 'WordPiece', got 'BPE'"):
        reading.read(version_5)
    path.write_text("{")
    with pytest.raises(JobError, match=r"tokenizer.json is no JSON"):
        reading.read(version_5)


def test_query_key_and_value_stand_side_by_side():
    theirs = load_file(TINY / "pretraining" / "model.safetensors")
    found = reading.read(TINY / "pretraining")[-1]["encoder/layer_1/attention/qkv_kernel"]
    x = np.random.default_rng(0).normal(size=8)
    for place, name in enumerate(("query", "key", "value")):
        matrix = theirs[f"bert.encoder.layer.1.attention.self.{name}.weight"]
        np.testing.assert_allclose((x @ found)[8 * place : 8 * place + 8], matrix @ x, rtol=1e-6)


def test_without_the_prefix_and_with_old_names_of_norms(folder):
    expected = reading.read(folder)[-1]

    def old(name):
        name = name.removeprefix("bert.")
        gamma = name.replace("LayerNorm.weight", "LayerNorm.gamma")
        return gamma.replace("LayerNorm.bias", "LayerNorm.beta")

    renamed(folder, old)
    same(reading.read(folder)[-1], expected)


def test_bert_without_a_head(folder):
    expected = reading.read(folder)[-1]
    renamed(folder, lambda name: None if "cls." in name or "pooler" in name else name)
    found = reading.read(folder)[-1]
    heads = ("pooler/", "mlm/", "nsp/")
    same(found, {n: v for n, v in expected.items() if not n.startswith(heads)})


def test_a_last_layer_of_its_own_is_no_head_of_ours(folder):
    table = load_file(folder / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    for last, heads in ((table, {"mlm", "nsp"}), (table + 1, {"nsp"})):
        path = folder / "model.safetensors"
        save_file({**load_file(path), "cls.predictions.decoder.weight": last}, path)
        found = {name.partition("/")[0] for name in reading.read(folder)[-1]}
        assert found == {"embeddings", "encoder", "pooler", *heads}


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
def test_half_precision_is_read_in_full(folder, dtype):
    path = folder / "model.safetensors"
    half = {name: value.astype(dtype) for name, value in load_file(path).items()}
    save_file(half, path)
    found = reading.read(folder)[-1]
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    bias = half["cls.predictions.bias"].astype(np.float32)
    np.testing.assert_array_equal(found["mlm/bias"], bias)


@pytest.mark.parametrize(
    "gone", ["encoder.layer.1.output.dense.bias", "embeddings.word_embeddings.weight"]
)
def test_a_weight_that_is_missing_is_named(folder, gone):
    renamed(folder, lambda name: None if name == f"bert.{gone}" else name)
    with pytest.raises(JobError, match=f"lacks 1 weights of a BERT of 2 layers: {gone}"):
        reading.read(folder)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model_type": "roberta"}, "reads model_type 'bert', got 'roberta'"),
        ({"hidden_act": "silu"}, "hidden_act gelu, gelu_new.*got 'silu'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type 'absolute', got"),
        ({"hidden_size": 6}, r"embeddings/positions has shape \(12, 8\) .*makes it \(12, 6\)"),
        ({"intermediate_size": 9}, r"inner/kernel has shape \(8, 12\) .*makes it \(8, 9\)"),
        ({"hidden_size": 7}, "a model that cannot be: .*2 heads cannot share a width of 7"),
        (
            {"num_hidden_layers": 3},
            "has weights of 2 layers of a BERT, but config.json says num_hidden_layers 3",
        ),
    ],
)
def test_other_models_are_refused(folder, values, said):
    configure(folder, **values)
    with pytest.raises(JobError, match=said):
        reading.read(folder)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda f: (f / "vocab.txt").unlink(), "lacks vocab.txt; it has config.json.*save_pret"),
        (lambda f: (f / "config.json").write_text("{"), "config.json is no JSON"),
        (lambda f: (f / "config.json").write_text("[]"), "should hold a mapping, got list"),
        (
            lambda f: (f / "config.json").write_text('{"model_type": "bert"}'),
            "num_hidden_layers 12",
        ),
        (lambda f: (f / "model.safetensors").write_bytes(b"abc" * 9), "is no safetensors file"),
        (lambda f: (f / "vocab.txt").write_text("a\n" * 19), "19 tokens, but .* vectors of 18"),
    ],
)
def test_files_that_cannot_be_used(folder, break_it, said):
    break_it(folder)
    with pytest.raises(JobError, match=said):
        reading.read(folder)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, (True, True)),
        ({"do_lower_case": False}, (False, False)),
        ({"do_lower_case": True, "strip_accents": False}, (True, False)),
    ],
)
def test_how_words_are_spelled(folder, values, expected):
    configure(folder, "tokenizer_config.json", **values)
    assert tuple(spelling.read(folder).values()) == expected


def test_what_has_no_name_there_is_not_written():
    found = reading.read(TINY / "pretraining")[-1]
    with pytest.raises(JobError, match="differs in head/crf"):
        weights.write({**found, "head/crf": np.zeros(1)}, 2, "tag")


def test_another_file_is_another_model(folder):
    before = reading.content(folder)
    assert before == reading.content(TINY / "pretraining")
    configure(folder, hidden_dropout_prob=0.2)
    assert reading.content(folder) != before
