"""Sentences with a tag for each word, against the readers' records and the tokenizer."""

import json
from collections import Counter

import pandas as pd
import pytest
import tensorflow as tf
from reading import dead_letters, examples

from pipeline.errors import JobError
from pipeline.prepare.sources import read
from pipeline.text import tokenizers

SENTENCES = [
    (["Emma", "saw", "New\u00a0York", "!"], ["B-per", "O", "B-loc", "O"]),
    (["\ufe0f", "wow", "emma"], ["O", "O", "B-per"]),
    (["http://bit.ly/x#y", "is", "Ångström's"], ["O", "O", "B-per"]),
    (["it's", "New", "Orleans", ",", "don't"], ["O", "B-loc", "I-loc", "O", "O"]),
]
TAG = "task: {kind: tag}"


def write(folder, kind, sentences=SENTENCES):
    if kind == "conll":
        path = folder / "a.conll"
        blocks = ["".join(f"{w}\t{t}\n" for w, t in zip(*s, strict=True)) for s in sentences]
        path.write_text("\n".join(blocks), encoding="utf-8")
        return path, 'task: {kind: tag, text: "1", label: "2"}'
    if kind == "jsonl":
        path = folder / "a.jsonl"
        rows = [json.dumps({"words": words, "tags": tags}) + "\n" for words, tags in sentences]
        path.write_text("".join(rows), encoding="utf-8")
    else:
        path = folder / "a.parquet"
        pd.DataFrame(sentences, columns=["words", "tags"]).to_parquet(path)
    return path, TAG


@pytest.mark.parametrize("kind", ["conll", "jsonl", "parquet"])
def test_words_and_tags_of_every_format(prepared, tmp_path, kind):
    path, task = write(tmp_path, kind)
    directory = prepared(f"data: {{train: {path}, valid: null}}", task)
    names = json.loads((directory / "labels.json").read_text())
    assert names == ["B-loc", "B-per", "I-loc", "O"]
    tokenizer = tokenizers.load(directory / "tokenizer")
    for example, (words, tags) in zip(examples(directory, "train"), SENTENCES, strict=True):
        assert example["words"] == words
        assert example["text"] == " ".join(words)
        assert [names[i] for i in example["label"]] == tags
        assert "starts" not in example
        assert [tokenizer.vocabulary[i] for i in example["ids"]] == [
            " ".join(word.lower().split()) for word in words
        ]


def test_subwords_know_where_words_start(prepared, tmp_path):
    path, task = write(tmp_path, "jsonl")
    directory = prepared(
        f"data: {{train: {path}, valid: null}}", task, "text: {tokenizer: {kind: character}}"
    )
    tokenizer = tokenizers.load(directory / "tokenizer")
    for example, (words, _) in zip(examples(directory, "train"), SENTENCES, strict=True):
        ends = [*example["starts"][1:], len(example["ids"]) + 1]
        pieces = [
            example["ids"][a - 1 : b - 1] for a, b in zip(example["starts"], ends, strict=True)
        ]
        spelled = ["".join(tokenizer.vocabulary[i] for i in piece) for piece in pieces]
        assert spelled == [" ".join(word.lower().split()) for word in words]


def test_what_does_not_fit_is_cut_at_whole_words_and_told(prepared, tmp_path):
    path, task = write(tmp_path, "jsonl")
    directory = prepared(
        f"data: {{train: {path}, valid: null}}",
        task,
        "text: {max_length: 12, tokenizer: {kind: character}}",
    )
    found = examples(directory, "train")
    assert [example["words"] for example in found] == [
        ["Emma", "saw"],  # and 8 characters
        ["\ufe0f", "wow", "emma"],
        ["http://bit.ly/x#y"],  # its first 12 characters
        ["it's", "New"],
    ]
    for example in found:
        assert len(example["label"]) == len(example["starts"]) == len(example["words"])
        assert len(example["ids"]) <= 12
    part = json.loads((directory / "report.json").read_text())["splits"]["train"]
    assert (part["examples"], part["words"], part["truncated"]) == (4, 8, 3)
    assert part["length"]["longest"] == sum(map(len, SENTENCES[2][0]))
    assert part["labels"] == {"B-loc": 1, "B-per": 2, "I-loc": 0, "O": 5}


def test_each_bad_sentence_is_a_dead_letter(prepared, tmp_path):
    train = tmp_path / "a.conll"
    good = "a\tO\nb\tB\n\n" * 20
    train.write_text(good + "c\tO\nd\n\ne\t\n\n\tO\n\n\u00a0\tO\n\n", encoding="utf-8")
    directory = prepared(
        f"data: {{train: {train}, valid: null, max_bad: 0.3}}",
        'task: {kind: tag, text: "1", label: "2", scheme: plain}',
    )
    assert sorted((d["file"][-7:], d["line"], d["reason"]) for d in dead_letters(directory)) == [
        ("a.conll", 62, "wrong number of fields"),
        ("a.conll", 64, "missing label"),
        ("a.conll", 66, "empty word"),
        ("a.conll", 68, "empty text"),
    ]
    assert len(examples(directory, "train")) == 20


def test_one_tag_alone_is_nothing_to_learn(prepared, tmp_path):
    path, task = write(tmp_path, "jsonl", [(["a", "b"], ["O", "O"])])
    with pytest.raises(JobError, match="tag needs 2 different labels at least, but column 'tags'"):
        prepared(f"data: {{train: {path}, valid: null}}", task)


@pytest.mark.parametrize("name", ["wnut17", "ud_ewt"])
def test_real_data(prepared, data, name):
    if name == "wnut17":
        folder, columns, scheme, extra = data / "wnut17", ("1", "2"), "bio", ", format: conll"
        files = ["wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"]
    else:
        folder, columns, scheme, extra = data / "ud_ewt", ("form", "upos"), "plain", ""
        files = ["dev.conllu.gz", "test.conllu.gz", "train.conllu.gz"]
    train, valid, test = (folder / name for name in files)
    directory = prepared(
        f"data: {{train: {train}, valid: {valid}, test: {test}{extra}}}",
        f'task: {{kind: tag, text: "{columns[0]}", label: "{columns[1]}", scheme: {scheme}}}',
    )
    names = json.loads((directory / "labels.json").read_text())
    report = json.loads((directory / "report.json").read_text())
    assert report["dead_letters"] == {}
    tokenizer = tokenizers.load(directory / "tokenizer")
    kind = "conll" if name == "wnut17" else "conllu"
    for split, path in {"train": train, "valid": valid, "test": test}.items():
        expected = [(row[columns[0]], row[columns[1]]) for _, row in read(str(path), kind, columns)]
        found = examples(directory, split)
        assert [(e["words"], [names[i] for i in e["label"]]) for e in found] == expected
        words = tf.ragged.constant([e["words"] for e in found])
        assert [e["ids"] for e in found] == tokenizer.ids_of_words(words)[0].to_list()
        part = report["splits"][split]
        assert part["labels"] == dict.fromkeys(names, 0) | Counter(
            t for _, ts in expected for t in ts
        )
        assert part["words"] == sum(len(words) for words, _ in expected)
