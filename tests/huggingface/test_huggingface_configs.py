"""Settings that config.json may leave out or say oddly, as `transformers` 5.23.0 takes them."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from pipeline import earlier_weights
from pipeline.errors import JobError
from pipeline.huggingface import reading, settings

TINY = Path(__file__).with_name("tiny_bert")
BERT_SIZES = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}


@pytest.fixture
def folder(tmp_path):
    """A copy of one with three labels, to be changed."""
    return shutil.copytree(TINY / "classifier", tmp_path / "bert")


def without(folder, *names, **values):
    path = folder / "config.json"
    said = {name: v for name, v in json.loads(path.read_text()).items() if name not in names}
    path.write_text(json.dumps({**said, **values}))


def head_of(folder, outputs):
    """The same with the first outputs of its head alone."""
    path = folder / "model.safetensors"
    theirs = load_file(path)
    cut = {n: v[:outputs].copy() for n, v in theirs.items() if n.startswith("classifier.")}
    save_file({**theirs, **cut}, path)


def test_labels_without_names(folder):
    without(folder, "id2label", "label2id")
    head_of(folder, 2)
    recipe, _, labels, weights = reading.read(folder)
    assert (recipe.task.kind, labels) == ("classify", ["LABEL_0", "LABEL_1"])
    assert weights["head/project/bias"].shape == (2,)
    without(folder, num_labels=3, id2label=None)
    assert settings.labels(folder) == ["LABEL_0", "LABEL_1", "LABEL_2"]
    without(folder, architectures=["BertForTokenClassification"])
    assert len(settings.labels(folder)) == 3


def test_one_output_without_a_name_is_a_number(folder):
    without(folder, "id2label", "label2id", num_labels=1)
    head_of(folder, 1)
    assert reading.read(folder)[0].task.kind == "regress"


def test_names_that_are_numbers(folder):
    without(folder, id2label={"2": True, "0": 10, "1": "x"})
    assert settings.labels(folder) == ["10", "x", "true"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"id2label": {"0": "a", "2": "b"}}, "label of each output from 0 on, got {'0': 'a'"),
        ({"id2label": {"zero": "a"}}, "from 0 on, got {'zero'"),
        ({"id2label": ["a", "b"]}, r"from 0 on, got \['a', 'b'\]"),
        ({"id2label": {"0": None, "1": []}}, "hold names of labels"),
        ({"id2label": None, "num_labels": 10**12}, "num_labels should be a number of labels"),
        ({"id2label": None, "num_labels": "two"}, "number of labels, got 'two'"),
        ({"hidden_act": ["gelu"]}, "reads hidden_act gelu"),
        ({"hidden_act": "quick_gelu"}, "got 'quick_gelu'"),
        ({"hidden_act": "gelu_10"}, "got 'gelu_10'"),
        ({"num_hidden_layers": 10**9}, "weights of 2 layers of a BERT, but .* 1000000000"),
        ({"hidden_size": 10**12}, r"embeddings/positions has shape \(12, 8\)"),
        ({"max_position_embeddings": 10**12}, r"embeddings/positions has shape \(12, 8\)"),
        ({"num_attention_heads": 0}, "model.heads"),
        ({"layer_norm_eps": None}, "model.epsilon"),
        ({"hidden_size": "eight"}, "model.width"),
    ],
)
def test_odd_values_are_refused(folder, values, said):
    without(folder, **values)
    with pytest.raises(JobError, match=said):
        reading.read(folder)


@pytest.mark.parametrize(
    ("activation", "ours"), [("gelu_python", "gelu"), ("gelu_python_tanh", "gelu_tanh")]
)
def test_another_way_to_compute_the_same(folder, activation, ours):
    without(folder, hidden_act=activation)
    assert reading.read(folder)[0].model.activation == ours


def test_what_is_left_out_is_what_transformers_takes_for_it(folder):
    before = reading.read(folder)[0].model
    defaults = "layer_norm_eps", "hidden_dropout_prob", "attention_probs_dropout_prob", "hidden_act"
    without(folder, *defaults)
    assert reading.read(folder)[0].model == before
    (folder / "config.json").write_text('{"model_type": "bert"}')
    base = settings.recipe(folder).model
    sizes = base.layers, base.width, base.heads, base.inner, base.positions, base.epsilon
    assert sizes == (12, 768, 12, 3072, 512, 1e-12)


def test_a_bert_from_before_its_type_was_said(folder):
    without(folder, "model_type")
    assert earlier_weights.is_of_others(folder)
    assert reading.read(folder)[2] == ["bad", "fine", "good"]
    without(folder, "architectures")
    assert earlier_weights.is_of_others(folder)
    assert reading.read(folder)[0].task.kind == "masked_language_model"
    without(folder, architectures=["RobertaForMaskedLM"])
    with pytest.raises(JobError, match="reads a BERT, got architectures 'RobertaForMaskedLM'"):
        reading.read(folder)


def test_a_config_of_anything_else_is_none_of_theirs(folder):
    (folder / "config.json").write_text(json.dumps({"hidden_size": 8}))
    assert not earlier_weights.is_of_others(folder)
