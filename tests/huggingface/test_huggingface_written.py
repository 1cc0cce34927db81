"""What is written for transformers, from a folder that it wrote itself."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from configs.data import WordTokenizer
from configs.poolings import Pool
from pipeline import earlier_weights
from pipeline.errors import JobError
from pipeline.huggingface import reading, spelling
from pipeline.huggingface.writing import differences, write

TINY = Path(__file__).with_name("tiny_bert")
# Of what training alone reads, and of what this version of transformers adds.
APART = {"classifier_dropout", "initializer_range", "use_cache", "dtype", "transformers_version"}
APART |= {"add_cross_attention", "bos_token_id", "eos_token_id", "tie_word_embeddings"}


def earlier(kind, **changes):
    """What `read` finds, with other settings of the recipe, model or text."""
    found = earlier_weights.read(TINY / kind)
    recipe = found.recipe
    parts = {
        part: getattr(recipe, part).model_copy(update=values) for part, values in changes.items()
    }
    return dataclasses.replace(found, recipe=recipe.model_copy(update=parts))


@pytest.mark.parametrize("kind", ["pretraining", "classifier", "tagger", "span"])
def test_transformers_own_folder_comes_back(kind, tmp_path):
    written = tmp_path / "written"
    write(earlier(kind), written)
    for name, value in load_file(TINY / kind / "model.safetensors").items():
        found = load_file(written / "model.safetensors")[name]
        np.testing.assert_array_equal(found, value, err_msg=name)
    assert (written / "vocab.txt").read_bytes() == (TINY / kind / "vocab.txt").read_bytes()
    config, wanted = (json.loads((f / "config.json").read_text()) for f in (written, TINY / kind))
    for name in wanted.keys() - APART:
        assert config[name] == wanted[name], name
    assert set(config) - set(wanted) <= {"position_embedding_type", "problem_type"}


def test_it_can_be_started_from(tmp_path):
    recipe, *before = reading.read(TINY / "classifier")
    write(earlier("classifier"), tmp_path / "written")
    again, *after = reading.read(tmp_path / "written")
    assert after[:2] == before[:2]
    assert (again.model, again.task, again.text) == (recipe.model, recipe.task, recipe.text)


def test_how_the_tokenizer_is_to_clean(tmp_path):
    write(earlier("tagger", text={"lower": False, "strip_accents": False}), tmp_path / "written")
    assert spelling.read(tmp_path / "written") == {"lower": False, "strip_accents": False}
    said = json.loads((tmp_path / "written" / "tokenizer_config.json").read_text())
    special = json.loads((tmp_path / "written" / "special_tokens_map.json").read_text())
    assert said["model_max_length"] == 12
    assert special == {f"{name.lower()}_token": f"[{name}]" for name in
                       ("PAD", "CLS", "SEP", "MASK", "UNK")}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        ("regress", {}, {"problem_type": "regression", "id2label": {"0": "LABEL_0"}}),
        ("multilabel", {}, {"problem_type": "multi_label_classification"}),
        ("classify", {"activation": "gelu_tanh"}, {"hidden_act": "gelu_new"}),
    ],
)
def test_kinds_of_tasks_and_activations(kind, changes, expected, tmp_path):
    found = earlier("classifier", task={"kind": kind}, model=changes)
    labels = [] if kind == "regress" else found.labels
    config = write(dataclasses.replace(found, labels=labels), tmp_path / "written")
    assert config == config | expected
    again, _, read, _ = reading.read(tmp_path / "written")
    assert (again.task.kind, read) == (kind, labels)
    assert again.model.activation == changes.get("activation", "gelu")


def test_what_transformers_lacks_is_refused(tmp_path):
    with pytest.raises(JobError, match="decodes tags by a crf"):
        write(earlier("tagger", task={"decoder": "crf"}), tmp_path / "written")
    with pytest.raises(JobError, match="pools its tokens by mean"):
        write(earlier("classifier", model={"pooling": Pool(kind="mean")}), tmp_path / "written")
    with pytest.raises(JobError, match="reads tokens of kind word"):
        write(earlier("tagger", text={"tokenizer": WordTokenizer()}), tmp_path / "written")
    assert not (tmp_path / "written").exists()


def test_nothing_is_written_over(tmp_path):
    with pytest.raises(JobError, match="is there already"):
        write(earlier("tagger"), tmp_path)


def test_what_its_tokenizer_does_otherwise():
    text = earlier("tagger").recipe.text
    assert differences(text) == ["text.drop_controls is done there alone"]
    as_there = text.model_copy(update={"drop_controls": True})
    assert differences(as_there) == []
    other = as_there.model_copy(update={"html": True, "strip_accents": False})
    assert len(differences(other)) == 2
