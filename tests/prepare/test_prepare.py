"""Whole preparations against what csv, Counter, hashlib and TensorFlow say of the same files."""

import csv
import gzip
import hashlib
import json
from collections import Counter

import pandas as pd
import pytest
import tensorflow as tf
from reading import content, dead_letters, examples

from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.prepare import stages
from pipeline.text import cleaning, splitting, tokenizers

BANKING = (
    "data: {train: samples/banking77/train.csv, valid: 0.1, test: samples/banking77/test.csv}",
    "task: {kind: classify, text: text, label: category}",
)
CLASSIFY = "task: {kind: classify}"


def place(text, recipe):
    """Where the hash of a cleaned text puts it, computed apart from `pipeline.prepare`."""
    cleaned = cleaning.clean(tf.constant([text]), recipe.text).numpy()[0]
    digest = hashlib.blake2b(cleaned, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little") / 2**64


def test_banking77(prepared, recipe, banking77):
    directory = prepared(*BANKING)
    settings = recipe(*BANKING)
    names = json.loads((directory / "labels.json").read_text())
    assert names == sorted({label for _, label in banking77["train"]})

    in_valid = [place(text, settings) >= 0.9 for text, _ in banking77["train"]]
    expected = {
        "train": [row for row, out in zip(banking77["train"], in_valid, strict=True) if not out],
        "valid": [row for row, out in zip(banking77["train"], in_valid, strict=True) if out],
        "test": banking77["test"],
    }
    tokenizer = tokenizers.load(directory / "tokenizer")
    report = json.loads((directory / "report.json").read_text())
    for split, rows in expected.items():
        found = examples(directory, split)
        assert [(e["text"], names[e["label"][0]]) for e in found] == rows
        ids = tokenizer.ids(tf.constant([text for text, _ in rows])).to_list()
        assert [e["ids"] for e in found] == ids
        part = report["splits"][split]
        assert part["tokens"] == sum(map(len, ids))
        assert part["labels"] == Counter(dict.fromkeys(names, 0)) + Counter(
            label for _, label in rows
        )
        lengths = pd.Series([len(row) for row in ids])
        assert part["length"]["mean"] == pytest.approx(lengths.mean())
        assert part["length"]["longest"] == lengths.max()
        assert part["length"]["p95"] == lengths.quantile(0.95, interpolation="higher")
        assert sum(part["lengths"]) == len(rows)
        unknown = sum(row.count(tokenizer.unknown_id) for row in ids)
        assert part["unknown_rate"] == unknown / part["tokens"]

    cleaned = cleaning.clean(tf.constant([text for text, _ in expected["train"]]), settings.text)
    words = splitting.words(cleaned, settings.text).flat_values.numpy()
    counts = Counter(word.decode() for word in words)
    order = sorted(counts, key=lambda word: (-counts[word], word))
    assert tokenizer.vocabulary[5:] == order

    train, test = ({_plain(t) for t, _ in expected[split]} for split in ("train", "test"))
    assert report["leaks"]["train/test"] == len(train & test) == 7
    for one, other in report["pairs"]["train/test"]:
        assert _plain(one["text"]) == _plain(other["text"])
        assert one["file"].endswith("train.csv")
        assert other["file"].endswith("test.csv")
    artifacts.check(directory)
    assert not (directory / "scratch").exists()


def _plain(text):
    return " ".join(text.lower().split())


ROWS = [(f"text number {i % 35}, {'wort ' * (i % 5)}ä{i}", "ab"[i % 2]) for i in range(60)]


def write_csv(path, rows=ROWS, header=("text", "label")):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_as(kind, folder, rows):
    """The same rows as one file of a format, or as several."""
    folder.mkdir()
    frame = pd.DataFrame(rows, columns=["text", "label"])
    if kind == "csv":
        frame.to_csv(folder / "a.csv", index=False)
    elif kind == "csv.gz":
        frame.to_csv(folder / "a.csv.gz", index=False)
    elif kind == "tsv":
        frame.to_csv(folder / "a.tsv", index=False, sep="\t", quoting=csv.QUOTE_NONE)
    elif kind == "jsonl.gz":
        with gzip.open(folder / "a.jsonl.gz", "wt", encoding="utf-8") as file:
            frame.to_json(file, orient="records", lines=True, force_ascii=False)
    elif kind == "parquet":
        frame.to_parquet(folder / "a.parquet", row_group_size=7)
    elif kind == "several":
        for i in range(0, len(rows), 25):
            frame[i : i + 25].to_csv(folder / f"part-{i:03d}.csv", index=False)
    return f"data: {{train: '{folder}/*', valid: 0.3}}"


@pytest.mark.parametrize("kind", ["csv.gz", "tsv", "jsonl.gz", "parquet", "several"])
def test_every_format_gives_the_same_examples(prepared, tmp_path, kind):
    plain = prepared(write_as("csv", tmp_path / "one", ROWS), CLASSIFY)
    other = prepared(write_as(kind, tmp_path / "other", ROWS), CLASSIFY)
    for split in ("train", "valid"):
        assert examples(plain, split) == examples(other, split)
    assert content(plain)["tokenizer/vocabulary.txt"] == content(other)["tokenizer/vocabulary.txt"]


def test_texts_that_look_like_missing_values_are_texts(prepared, tmp_path):
    rows = [("null", "NA"), ("NA", "nan"), ("nan", "NA"), ("None", "nan"), ("1e5", "NA")]
    path = write_csv(tmp_path / "a.csv", rows)
    directory = prepared(f"data: {{train: {path}, valid: null}}", CLASSIFY)
    assert [example["text"] for example in examples(directory, "train")] == [t for t, _ in rows]
    assert json.loads((directory / "labels.json").read_text()) == ["NA", "nan"]


def test_shards_are_cut_at_their_size_in_order(prepared, tmp_path):
    path = write_csv(tmp_path / "a.csv")
    directory = prepared(f"data: {{train: {path}, valid: null, shard_examples: 25}}", CLASSIFY)
    names = [f"train-{i:05d}-of-00003.tfrecord" for i in range(3)]
    assert artifacts.manifest(directory)["splits"]["train"]["shards"] == names
    counts = [sum(1 for _ in tf.data.TFRecordDataset(str(directory / name))) for name in names]
    assert counts == [25, 25, 10]
    assert [example["text"] for example in examples(directory, "train")] == [t for t, _ in ROWS]


def test_multilabel_regress_and_columns(prepared, tmp_path):
    rows = [("a b", "x|y", 1, "red"), ("c d", "", -2.5, ""), ("e f", "y", "3e1", "blue")]
    path = write_csv(tmp_path / "a.csv", rows, ("text", "labels", "value", "colour"))
    data = f"data: {{train: {path}, valid: null, columns: [colour]}}"
    directory = prepared(data, "task: {kind: multilabel}")
    found = examples(directory, "train")
    assert [e["label"] for e in found] == [[0, 1], [], [1]]
    assert [e["column/colour"] for e in found] == ["red", "", "blue"]

    directory = prepared(data, "task: {kind: regress, label: value}")
    assert [e["label"] for e in examples(directory, "train")] == [[1.0], [-2.5], [30.0]]
    assert json.loads((directory / "labels.json").read_text()) == []
    report = json.loads((directory / "report.json").read_text())
    assert sum(report["splits"]["train"]["labels"]) == 3


def test_ids_are_cut_and_the_report_says_how_many(prepared, tmp_path):
    path = write_csv(tmp_path / "a.csv", [("a b c d e", "x"), ("a b", "y"), ("c d e", "x")])
    directory = prepared(f"data: {{train: {path}, valid: null}}", "text: {max_length: 3}", CLASSIFY)
    vocabulary = tokenizers.load(directory / "tokenizer").vocabulary
    words = [[vocabulary[i] for i in e["ids"]] for e in examples(directory, "train")]
    assert words == [["a", "b", "c"], ["a", "b"], ["c", "d", "e"]]
    part = json.loads((directory / "report.json").read_text())["splits"]["train"]
    assert (part["truncated"], part["length"]["longest"], part["tokens"]) == (1, 5, 8)


def test_dropping_repeats(prepared, tmp_path):
    train = write_csv(
        tmp_path / "a.csv",
        [("One", "x"), ("two", "y"), ("one ", "x"), ("three", "y"), ("two", "x")],
    )
    test = write_csv(tmp_path / "b.csv", [("TWO", "x"), ("four", "x"), ("four", "y")])
    data = f"data: {{train: {train}, valid: null, test: {test}"
    texts = {}
    for drop in ("duplicates", "leaks"):
        directory = prepared(f"{data}, drop_{drop}: true}}", CLASSIFY)
        splits = [examples(directory, split) for split in ("train", "test")]
        texts[drop] = [[example["text"] for example in split] for split in splits]
    assert texts["duplicates"] == [["One", "two", "three"], ["TWO", "four"]]
    assert texts["leaks"] == [["One", "one ", "three"], ["TWO", "four", "four"]]
    report = json.loads((directory / "report.json").read_text())
    assert report["duplicates"] == {"train": 2, "valid": 0, "test": 1}
    assert report["leaks"]["train/test"] == 1
    assert report["dropped"] == {"train": 2, "valid": 0, "test": 0}
    assert report["pairs"]["train/test"] == [
        [
            {"file": str(train), "line": 3, "text": "two", "label": "y"},
            {"file": str(test), "line": 2, "text": "TWO", "label": "x"},
        ]
    ]


def test_more_files_move_no_text_between_splits(prepared, tmp_path):
    one = prepared(f"data: {{train: {write_csv(tmp_path / 'a.csv')}, valid: 0.3}}", CLASSIFY)
    more = write_csv(tmp_path / "0.csv", [(f"other {i}", "a") for i in range(40)])
    both = prepared(f"data: {{train: [{more}, {tmp_path}/a.csv], valid: 0.3}}", CLASSIFY)
    before = {e["text"] for e in examples(one, "valid")}
    after = {e["text"] for e in examples(both, "valid")}
    assert before == {text for text in after if not text.startswith("other")}


def test_prepared_again_only_when_something_changed(prepared, tmp_path, monkeypatch):
    path = write_csv(tmp_path / "a.csv")
    lines = [f"data: {{train: {path}, valid: 0.3}}", CLASSIFY]
    first = prepared(*lines)
    with monkeypatch.context() as nothing_runs:
        nothing_runs.delattr(stages, "on_beam")
        assert prepared(*lines) == first
        weighted = "task: {kind: classify, class_weights: balanced, label_smoothing: 0.1}"
        assert prepared(lines[0], weighted) == first
        assert prepared(*lines, "seed: 7", "beam: {runner: dask}") == first
    assert prepared(lines[0], CLASSIFY, "text: {lower: false}") != first
    write_csv(path, [*ROWS, ("one more", "a")])
    assert prepared(*lines) != first


def test_nothing_looks_finished_when_it_failed(prepared, tmp_path):
    path = write_csv(tmp_path / "a.csv", [("x", "a"), ("y", "a")])
    with pytest.raises(JobError):
        prepared(f"data: {{train: {path}, valid: null}}", CLASSIFY)
    assert not list((tmp_path / "work" / "prepared").glob("*/manifest.json"))
    (left,) = (tmp_path / "work" / "prepared").iterdir()
    assert left.suffix == ".failed"
    assert dead_letters(left) == []
