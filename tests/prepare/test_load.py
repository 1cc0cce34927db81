"""What `pipeline.data.load` reads of prepared data: words as given, and their characters."""

import json

import numpy as np
import pytest

from pipeline import data
from pipeline.prepare import prepare

SENTENCES = [
    (["Ümit", "saw", "New York"], ["B", "O", "B"]),
    (["saw", "\ufe0f\u3000", "!"], ["O"] * 3),
]
TAG = "task: {kind: tag, scheme: plain}"
CHARACTERS = "model: {kind: lstm, embedding: {characters: {}}}"


@pytest.fixture
def load(recipe, tmp_path):
    """Prepare rows and load them: (split, the recipe)."""

    def make(rows, *lines):
        path = tmp_path / "a.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        made = recipe(f"data: {{train: {path}, valid: null}}", *lines)
        labels = 0 if made.task.kind in ("regress", "language_model") else 2
        return data.load(prepare(made), "train", made, labels)

    return make


def spelled(word):
    """A word's character ids: bytes from 1, 259 before them, 260 after them, 261 up to 50."""
    if word in ("[CLS]", "[SEP]"):
        return [259, {"[CLS]": 257, "[SEP]": 258}[word], 260, *[261] * 47]
    own = [byte + 1 for byte in word.encode()][:48]
    return [259, *own, 260, *[261] * (48 - len(own))]


def characters(split, row, name="characters"):
    sequences = split.inputs[name]
    return sequences.table[sequences[row]].tolist()


def test_words_come_as_they_were_given_and_their_characters_cleaned(load):
    split = load([{"words": w, "tags": t} for w, t in SENTENCES], TAG, CHARACTERS)
    assert [split.words[row] for row in range(len(split.words))] == [w for w, _ in SENTENCES]
    assert split.labels[0].tolist() == [0, 1, 0]
    assert characters(split, 0) == [spelled(word) for word in ("ümit", "saw", "new york")]
    assert characters(split, 1) == [spelled(word) for word in ("saw", "\ufe0f", "!")]
    assert split.inputs["characters"].lengths.tolist() == split.ids.lengths.tolist()
    assert not split.inputs["characters"].table[0].any()


def test_words_without_characters_where_the_model_reads_none(load):
    split = load([{"words": w, "tags": t} for w, t in SENTENCES], TAG)
    assert split.words[1] == SENTENCES[1][0]
    assert set(split.inputs) == {"ids"}


def test_words_that_were_cut_off_have_no_tags(load):
    tokenizer = "text: {max_length: 6, tokenizer: {kind: character}}"
    split = load([{"words": w, "tags": t} for w, t in SENTENCES], TAG, tokenizer)
    assert [split.words[row] for row in (0, 1)] == [["Ümit"], SENTENCES[1][0]]
    assert set(split.inputs) == {"ids", "starts"}
    assert split.inputs["starts"][1].tolist() == [1, 4, 5]
    assert split.labels.lengths.tolist() == [1, 3]


def test_characters_of_both_texts_of_a_pair_are_those_of_their_tokens(load):
    rows = [
        {"text": "It's <b>OK</b> & “so”", "other": "new " * 9, "label": "ab"[i % 2]}
        for i in range(2)
    ]
    rows[1]["text"] = "unseen &amp;lt;"
    split = load(
        rows,
        "task: {kind: classify, second: other}",
        CHARACTERS,
        "text: {html: true, max_length: 5, tokenizer: {size: 8}}",
    )
    assert characters(split, 0) == [spelled(word) for word in ("it's", "ok", "&", "“", "so")]
    assert characters(split, 1) == [spelled(word) for word in ("unseen", "&", "lt", ";")]
    assert characters(split, 0, "second_characters") == [spelled("new")] * 5
    assert split.second_texts == ["new " * 9] * 2
    for name in ("", "second_"):
        lengths = split.inputs[f"{name}characters"].lengths
        assert lengths.tolist() == split.inputs[f"{name}ids"].lengths.tolist()
    assert split.inputs["characters"].table is split.inputs["second_characters"].table


def test_documents_have_boundaries_and_are_not_cut(load, monkeypatch):
    monkeypatch.setattr(data, "PARSE_DOCUMENTS", 1)
    rows = [{"text": "One two"}, {"text": "two [CLS] " + "x" * 60}]
    split = load(rows, "task: {kind: language_model}", "text: {max_length: 1}")
    first = ["[CLS]", "one", "two", "[SEP]"]
    assert characters(split, 0) == [spelled(word) for word in first]
    # What a text says is never a boundary.
    second = ["[CLS]", "two", "[", "cls", "]", "x" * 60, "[SEP]"]
    assert characters(split, 1) == [spelled(word) for word in second]
    assert split.ids[0][0] == 2
    assert split.ids[0][-1] == 3
    assert split.labels is None
    np.testing.assert_array_equal(split.ids.offsets, split.inputs["characters"].offsets)


@pytest.mark.parametrize(
    ("elmo", "there"), [("frozen", True), ("fine_tuned", True), ("cached", False)]
)
def test_elmo_reads_characters_unless_its_vectors_are_on_disk(load, elmo, there):
    rows = [{"text": "a b", "label": "x"}, {"text": "c", "label": "y"}]
    model = f"model: {{kind: lstm, embedding: {{elmo: {{path: nowhere, mode: {elmo}}}}}}}"
    split = load(rows, "task: {kind: classify}", model)
    assert ("characters" in split.inputs) == there
