"""Prepared data with the words of earlier data."""

import json

import pytest
import tensorflow as tf

from configs.loading import RecipeError, parse
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.recipes.check import estimate
from pipeline.text import tokenizers

LABELS = "task: {kind: multilabel, label: label}"
TEXTS = "data: {train: %s, valid: null}"
WORDS = "text: {tokenizer: {vocabulary: %s}}"


@pytest.fixture
def texts(tmp_path):
    """A maker of a file of texts."""

    def make(name, *rows):
        (tmp_path / name).write_text("text,label\n" + "".join(f"{row},x\n" for row in rows))
        return TEXTS % (tmp_path / name)

    return make


@pytest.fixture
def earlier(prepared, texts):
    return prepared(texts("old.csv", "b b b a", "Köln b"), LABELS)


def test_the_words_are_those_of_the_data_before(prepared, recipe, earlier, texts):
    lines = texts("new.csv", "c c c c a köln", "d b"), LABELS, WORDS % earlier
    directory = prepared(*lines)
    tokenizer = tokenizers.load(directory / "tokenizer")
    assert tokenizer.vocabulary[5:] == ["b", "a", "köln"]
    assert tokenizer.vocabulary == tokenizers.load(earlier / "tokenizer").vocabulary
    assert tokenizer.ids(tf.constant(["a c b"])).to_list() == [[6, 1, 5]]
    report = json.loads((directory / "report.json").read_text())
    assert report["splits"]["train"]["unknown_rate"] == 5 / 8
    assert estimate(recipe(*lines))["vocabulary"] == 8


def test_wherever_they_lie_the_data_are_the_same(prepared, earlier, texts, tmp_path):
    lines = texts("new.csv", "a c", "b"), LABELS
    run = tmp_path / "runs" / "old-0123abcd"
    with artifacts.publish(run / "training", "mark", {"prepared": str(earlier)}):
        pass
    places = earlier, earlier / "tokenizer", run, run.with_name("old")
    assert len({prepared(*lines, WORDS % place) for place in places}) == 1
    assert prepared(*lines) != prepared(*lines, WORDS % earlier)


def test_pieces_of_data_before(prepared, texts, tmp_path):
    pieces = "model: {kind: text_cnn}\ntext: {tokenizer: {kind: sentencepiece, size: 30%s}}"
    earlier = prepared(texts("old.csv", "lower lowest low", "newer new"), LABELS, pieces % "")
    run = tmp_path / "runs" / "old-0123abcd"
    with artifacts.publish(run / "training", "mark", {"prepared": str(earlier)}):
        pass
    new = texts("new.csv", "wider wow", "b"), LABELS
    places = earlier, run.with_name("old"), earlier / "tokenizer" / "sentencepiece.model"
    found = {prepared(*new, pieces % f", model: {place}") for place in places}
    assert len(found) == 1
    tokenizer = tokenizers.load(found.pop() / "tokenizer")
    before = tokenizers.load(earlier / "tokenizer")
    assert tokenizer.vocabulary == before.vocabulary
    for text in ("lowest new", "wider  wow"):
        assert tokenizer.ids([text]).to_list() == before.ids([text]).to_list()
    with pytest.raises(RecipeError, match=r"tokenizer\.model: .*lower is False, there True"):
        prepared(*new, pieces.replace("{tok", "{lower: false, tok") % f", model: {run}")


def test_other_words_are_other_data(prepared, earlier, texts):
    lines = texts("new.csv", "a c", "b"), LABELS
    other = prepared(texts("other.csv", "c"), LABELS)
    assert prepared(*lines, WORDS % earlier) != prepared(*lines, WORDS % other)


def test_words_of_another_spelling(prepared, earlier, texts):
    text = f"text: {{lower: false, tokenizer: {{split: whitespace, vocabulary: {earlier}}}}}"
    message = r"split is 'whitespace', there 'words', text\.lower is False, there True"
    with pytest.raises(RecipeError, match=message):
        prepared(texts("new.csv", "a"), LABELS, text)


def test_there_are_none(prepared, earlier, texts, tmp_path):
    (tmp_path / "runs" / "other-0123abcd").mkdir(parents=True)
    with pytest.raises(JobError, match=r"no trained run .*runs/old: .*has other-0123abcd"):
        prepared(texts("new.csv", "a"), LABELS, WORDS % (tmp_path / "runs" / "old"))


def test_what_to_learn_is_not_said_beside_ready_words():
    text = "{name: x, data: {train: a}, task: {kind: classify}, model: {kind: text_cnn}}"
    settings = "text.tokenizer={vocabulary: somewhere, size: 100, min_count: 2}"
    with pytest.raises(RecipeError, match=r"min_count, size say which words to learn"):
        parse(text, [settings])
