"""Prepared data with the WordPiece vocabulary of a file, of a folder, or of earlier data."""

import json
import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from configs.loading import RecipeError
from pipeline.errors import JobError
from pipeline.recipes.check import estimate
from pipeline.text import tokenizers

TINY = Path(__file__).parents[1] / "huggingface" / "tiny_bert" / "pretraining"
TASK = "task: {kind: multilabel, label: label}"
BERT = "text: {strip_accents: true, tokenizer: {kind: wordpiece, vocabulary: %s}}"


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "texts.csv"
    file.write_text("text,label\nThe cats sat,x\nA Café,y\n")
    return f"data: {{train: {file}, valid: null}}"


@pytest.fixture
def bert(tmp_path):
    return shutil.copytree(TINY, tmp_path / "bert")


def test_a_folder_and_its_file_are_the_same(prepared, recipe, data, bert):
    places = bert, bert / "vocab.txt"
    assert len({prepared(data, TASK, BERT % place) for place in places}) == 1
    lines = data, TASK, BERT % bert
    tokenizer = tokenizers.load(prepared(*lines) / "tokenizer")
    assert tokenizer.ids(tf.constant(["The cats", "a CAFÉ"])).to_list() == [[6, 7, 8], [12, 10]]
    assert (tokenizer.unknown_id, tokenizer.start_id, tokenizer.mask_id) == (2, 3, 5)
    assert estimate(recipe(*lines))["vocabulary"] == 18


def test_a_folder_of_transformers_5(prepared, recipe, data, bert):
    expected = tokenizers.load(prepared(data, TASK, BERT % bert) / "tokenizer").vocabulary
    made = pytest.importorskip("tokenizers").BertWordPieceTokenizer(str(bert / "vocab.txt"))
    made.save(str(bert / "tokenizer.json"))
    (bert / "vocab.txt").unlink()
    lines = data, TASK, BERT % bert
    assert tokenizers.load(prepared(*lines) / "tokenizer").vocabulary == expected
    assert estimate(recipe(*lines))["vocabulary"] == 18


def test_the_words_of_earlier_data(prepared, data, bert):
    earlier = prepared(data, TASK, BERT % bert)
    again = prepared(data, TASK, BERT % earlier)
    words = [tokenizers.load(folder / "tokenizer").vocabulary for folder in (earlier, again)]
    assert words[0] == words[1]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("lower: false, strip_accents: true", "text.lower is False, there True"),
        ("strip_accents: false", "text.strip_accents is False, there True"),
    ],
)
def test_words_that_are_spelled_in_another_way(prepared, data, bert, settings, said):
    text = (BERT % bert).replace("strip_accents: true", settings)
    with pytest.raises(RecipeError, match=said):
        prepared(data, TASK, text)
    (bert / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    with pytest.raises(RecipeError, match="there False"):
        prepared(data, TASK, BERT % bert)
    # Where nothing is said, transformers lowers.
    (bert / "tokenizer_config.json").unlink()
    with pytest.raises(RecipeError, match=said):
        prepared(data, TASK, text)


def test_a_word_tokenizer_takes_no_pieces(prepared, data, bert):
    with pytest.raises(RecipeError, match="kind is 'word', there 'wordpiece'"):
        prepared(data, TASK, f"text: {{strip_accents: true, tokenizer: {{vocabulary: {bert}}}}}")


def test_a_file_that_is_not_there(prepared, data, tmp_path):
    with pytest.raises(JobError, match=r"cannot read .*nothing.txt"):
        prepared(data, TASK, BERT % (tmp_path / "nothing.txt"))
