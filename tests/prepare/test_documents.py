"""Whole documents of a language model."""

import gzip
import json

import pytest
import tensorflow as tf
from reading import content, examples

from pipeline.text import tokenizers

LM = "task: {kind: language_model}"
DOCUMENTS = ["One.\nTwo three.", "...", "many words " * 400, "éé\u00a0é"]


@pytest.fixture
def directory(prepared, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in DOCUMENTS))
    return prepared(f"data: {{train: {path}, valid: null}}", "text: {max_length: 5}", LM)


def test_documents_are_whole_and_have_boundaries(directory):
    tokenizer = tokenizers.load(directory / "tokenizer")
    words = tokenizer.all_ids(tf.constant(DOCUMENTS)).to_list()
    found = examples(directory, "train")
    assert [example["text"] for example in found] == DOCUMENTS
    assert [example["ids"] for example in found] == [[2, *row, 3] for row in words]
    assert tokenizer.vocabulary[2:4] == ["[CLS]", "[SEP]"]
    assert set(found[0]) == {"ids", "text"}
    assert json.loads((directory / "labels.json").read_text()) == []


def test_report_without_labels(directory):
    report = json.loads((directory / "report.json").read_text())
    part = report["splits"]["train"]
    assert (part["examples"], part["tokens"], part["truncated"]) == (4, 5 + 3 + 800 + 2, 0)
    assert part["labels"] == []
    page = (directory / "report.html").read_text()
    assert page.count("<svg") == 1
    assert "Labels" not in page


def test_plain_text_is_a_document_a_line(prepared, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one two\n\nthree\n")
    directory = prepared(f"data: {{train: {path}, valid: null}}", LM)
    assert [len(example["ids"]) for example in examples(directory, "train")] == [4, 3]


@pytest.mark.slow
def test_novels_are_the_same_bytes_from_several_files(prepared, data, tmp_path):
    with gzip.open(data / "novels" / "novels.jsonl.gz", "rb") as file:
        novels = [line for line, _ in zip(file, range(6), strict=False)]
    made = {}
    for name, parts in {"one": 1, "three": 3}.items():
        for i in range(parts):
            size = len(novels) // parts
            lines = novels[i * size : (i + 1) * size]
            (tmp_path / f"{name}-{i}.jsonl").write_bytes(b"".join(lines))
        directory = prepared(f"data: {{train: '{tmp_path}/{name}-*.jsonl', valid: null}}", LM)
        made[name] = examples(directory, "train"), content(directory / "tokenizer")
    assert made["one"] == made["three"]
    titles = [json.loads(line) for line in novels]
    assert [example["text"] for example in made["one"][0]] == [novel["text"] for novel in titles]
    assert min(len(example["ids"]) for example in made["one"][0]) > 10_000
