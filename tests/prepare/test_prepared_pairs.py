"""Two texts of an example, against the tokenizer and the csv module."""

import csv
import json

import numpy as np
import pytest
import tensorflow as tf
from reading import dead_letters, examples

from pipeline.prepare.hashes import hashed
from pipeline.text import tokenizers

PAIR = "task: {kind: classify, text: one, second: other, label: kind}"
ROWS = [(f"first {i % 40} ä", f"and the second {i % 30} of them", "xyz"[i % 3]) for i in range(120)]


def write(path, rows=ROWS, header=("one", "other", "kind")):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_both_texts_are_there_with_their_ids(prepared, tmp_path):
    path = write(tmp_path / "a.csv")
    directory = prepared(f"data: {{train: {path}, valid: 0.3}}", "text: {max_length: 4}", PAIR)
    found = [example for split in ("train", "valid") for example in examples(directory, split)]
    assert sorted((e["text"], e["second_text"], "xyz"[e["label"][0]]) for e in found) == sorted(
        ROWS
    )
    tokenizer = tokenizers.load(directory / "tokenizer")
    for text, ids in (("text", "ids"), ("second_text", "second_ids")):
        expected = tokenizer.ids(tf.constant([example[text] for example in found])).to_list()
        assert [example[ids] for example in found] == expected
    train = {word for e in examples(directory, "train") for word in (e["text"], e["second_text"])}
    assert set(tokenizer.vocabulary[5:]) == {word for text in train for word in text.split()}


def test_report_counts_both_texts(prepared, tmp_path):
    path = write(tmp_path / "a.csv")
    directory = prepared(f"data: {{train: {path}, valid: null}}", "text: {max_length: 4}", PAIR)
    part = json.loads((directory / "report.json").read_text())["splits"]["train"]
    assert (part["examples"], part["tokens"], part["truncated"]) == (120, 120 * 7, 120)
    assert (part["length"]["mean"], part["second_length"]["mean"]) == (3, 6)
    assert sum(part["lengths"]) == sum(part["second_lengths"]) == 120
    page = (directory / "report.html").read_text(encoding="utf-8")
    assert "<td>3.0 / 6.0</td>" in page


def test_pairs_are_the_same_only_when_both_texts_are(prepared, tmp_path):
    rows = [("a b", "c", "x"), ("a", "b c", "y"), ("c", "a b", "x"), ("A  b", "c", "y")]
    train, test = write(tmp_path / "a.csv", rows), write(tmp_path / "b.csv", [("C", "a B", "x")])
    directory = prepared(f"data: {{train: {train}, valid: null, test: {test}}}", PAIR)
    report = json.loads((directory / "report.json").read_text())
    assert report["duplicates"] == {"train": 1, "valid": 0, "test": 0}
    assert report["leaks"]["train/test"] == 1
    (pair,) = report["pairs"]["train"]
    assert [where["text"] for where in pair] == ["a b / c", "A  b / c"]


def test_split_is_by_the_hash_of_both(prepared, recipe, tmp_path):
    rows = [("same", f"other {i}", "xy"[i % 2]) for i in range(200)]
    path = write(tmp_path / "a.csv", rows)
    lines = [f"data: {{train: {path}, valid: 0.5}}", PAIR]
    directory = prepared(*lines)
    keys = [f"{one}\0{other}".encode() for one, other, _ in rows]
    expected = np.flatnonzero(hashed(keys, "train", recipe(*lines).data)["split"] == 1)
    found = [e["second_text"] for e in examples(directory, "valid")]
    assert found == [rows[i][1] for i in expected]
    assert 60 < len(found) < 140


def test_a_pair_needs_both_texts(prepared, tmp_path):
    rows = [*ROWS, ("", "b", "x"), ("a", " ", "x"), ("a", "<i></i>", "x")]
    path = write(tmp_path / "a.csv", rows)
    data = f"data: {{train: {path}, valid: null, max_bad: 0.1}}"
    directory = prepared(data, "text: {html: true}", PAIR)
    letters = [(letter["line"], letter["reason"]) for letter in dead_letters(directory)]
    assert letters == [(n, "empty text") for n in (122, 123, 124)]
    assert len(examples(directory, "train")) == len(ROWS)


def test_second_text_changes_the_prepared_data_and_its_absence_does_not(prepared, tmp_path):
    path = write(tmp_path / "a.csv")
    data = f"data: {{train: {path}, valid: null}}"
    alone = prepared(data, "task: {kind: classify, text: one, label: kind}")
    null = prepared(data, "task: {kind: classify, text: one, second: null, label: kind}")
    assert alone == null != prepared(data, PAIR)
    assert "second_ids" not in examples(alone, "train")[0]


def test_sick(prepared, data):
    files = {"train": "train", "valid": "trial", "test": "test_annotated"}
    paths = {split: data / "sick" / f"SICK_{name}.txt" for split, name in files.items()}
    lines = f"data: {{train: {paths['train']}, valid: {paths['valid']}, test: {paths['test']}"
    texts = "text: sentence_A, second: sentence_B"
    directory = prepared(
        f"{lines}, format: tsv}}", f"task: {{kind: regress, {texts}, label: relatedness_score}}"
    )
    for split, path in paths.items():
        rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
        found = [
            (e["text"], e["second_text"], pytest.approx(e["label"][0]))
            for e in examples(directory, split)
        ]
        assert found == [(row[1], row[2], float(row[3])) for row in rows]
