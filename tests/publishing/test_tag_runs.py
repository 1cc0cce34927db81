"""A tagger by the real stages: CoNLL files in, an export out, asked in every way there is."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from configs.recipe import Recipe
from pipeline import artifacts, batching, data, runs
from pipeline.prepare import prepare
from pipeline.publishing import saved_model
from pipeline.publishing.export import export
from pipeline.publishing.predict import predict
from pipeline.publishing.verify import golden_requests, verify
from pipeline.text.model_inputs import ModelInputs
from pipeline.training.train import train

pytestmark = pytest.mark.slow

SENTENCES = [
    "Ada/B-per Lovelace/I-per lives/O in/O London/B-loc ./O",
    "I/O saw/O Köln/B-loc and/O New/B-loc York/I-loc",
    "my/O card/O is/O lost/O",
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tags")
    lines = [
        "".join(f"{word.replace('/', ' ')}\n" for word in f"{n}/O {sentence}".split())
        for n in range(12)
        for sentence in SENTENCES
    ]
    (folder / "train.conll").write_text("\n".join(lines), encoding="utf-8")
    texts = [f"{n} : Ada Lovelace lives in Köln ." for n in range(12)]
    rows = [
        {
            "1": text,
            "2": [
                [text.index(name), text.index(name) + len(name), kind]
                for name, kind in (("Ada Lovelace", "per"), ("Köln", "loc"))
            ],
        }
        for text in texts
    ]
    lines = [json.dumps(row) + "\n" for row in rows]
    (folder / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    recipe = Recipe.model_validate(
        {
            "name": "tags",
            "work": str(folder / "work"),
            "data": {"train": str(folder / "train.*"), "valid": 0.2, "test": 0.2},
            "text": {"max_length": 20, "lower": False},
            "task": {"kind": "tag", "text": "1", "label": "2", "decoder": "crf"},
            "model": {
                "kind": "lstm",
                "units": 8,
                "embedding": {"width": 8, "characters": {"width": 4, "filters": [[3, 4]]}},
            },
            "train": {"epochs": 4, "batch_size": 4, "learning_rate": 0.02},
            "export": {"golden": 5},
        }
    )
    return export(recipe, train(recipe, prepare(recipe)))


@pytest.fixture(scope="module")
def answer(exported):
    return saved_model.load(exported)


def read_jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def spans(answers, row):
    names = ("span_labels", "span_begins", "span_ends")
    columns = (answers[name][row] for name in names)
    return [
        dict(zip(("label", "begin", "end"), span, strict=True))
        for span in zip(*columns, strict=True)
    ]


def test_it_answers_what_the_trained_model_answered(exported):
    assert verify(exported) <= 1e-5


def test_what_it_says_of_itself(exported, answer):
    assert artifacts.manifest(exported)["signatures"] == ["serving_default", "words"]
    card = (exported / "MODEL_CARD.md").read_text()
    assert "An lstm that gives each word of a text one tag of 5" in card
    assert "`span_labels`" in card
    assert "The signature `words`" in card
    golden = golden_requests(exported)
    assert sorted(golden[0]) == ["outputs", "text"]
    assert "words" in golden[0]["outputs"]


def test_words_of_files_are_answered_as_they_are(exported, answer, tmp_path):
    words = [["New", "York"], ["Köln", "is", "lost", "!?"]]
    conll = "".join("".join(f"{word} O\n" for word in sentence) + "\n" for sentence in words)
    (tmp_path / "new.conll").write_text(conll, encoding="utf-8")
    assert predict(exported, [str(tmp_path / "new.conll")], tmp_path / "out")["predicted"] == 2
    got = read_jsonl(tmp_path / "out" / "00000-new.jsonl")
    wanted = answer(words, signature="words")
    for i, row in enumerate(got):
        assert row["1"] == row["predicted_words"] == words[i]
        assert row["predicted_tags"] == wanted["tags"][i]
        assert row["predicted_scores"] == pytest.approx(wanted["scores"][i], abs=2e-6)
        assert row["predicted_spans"] == spans(wanted, i)


def test_raw_texts_of_files_are_cut_into_words(exported, answer, tmp_path):
    texts = ["Ada lives in London.", "Köln!"]
    lines = [{"1": texts[0]}, {"1": ["Köln", "!?"]}, {"1": texts[1], "more": [1]}, {"1": 7}]
    lines.append({"1": "Ada " * 25})
    (tmp_path / "new.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    summary = predict(exported, [str(tmp_path / "new.jsonl")], tmp_path / "out")
    assert summary["dead_letters"] == {"text is not a string": 1}
    first, given, second, bad, long = read_jsonl(tmp_path / "out" / "00000-new.jsonl")
    assert (bad["predicted_tags"], bad["predicted_reason"]) == (None, "text is not a string")
    assert (first["predicted_unread"], long["predicted_unread"], summary["unread"]) == (0, 5, 1)
    assert first["predicted_words"] == ["Ada", "lives", "in", "London", "."]
    assert given["predicted_words"] == ["Köln", "!?"]
    assert second["more"] == [1]
    wanted = answer(texts)
    for i, row in enumerate((first, second)):
        assert row["predicted_tags"] == wanted["tags"][i]
        assert row["predicted_spans"] == spans(wanted, i)


def test_a_table_holds_lists_as_json(exported, answer, tmp_path):
    (tmp_path / "new.csv").write_text('n,said\n1,"Ada, in London"\n', encoding="utf-8")
    predict(exported, [str(tmp_path / "new.csv")], tmp_path / "out", columns=["said"])
    with open(tmp_path / "out" / "00000-new.csv", encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert json.loads(row["predicted_words"]) == ["Ada", ",", "in", "London"]
    wanted = answer([row["said"]])
    assert json.loads(row["predicted_tags"]) == wanted["tags"][0]
    assert json.loads(row["predicted_spans"]) == spans(wanted, 0)


def test_the_model_is_shown_what_it_was_trained_on(exported):
    trained = runs.load(Path(artifacts.manifest(exported)["run_dir"]))
    split = data.load(trained.prepared, "train", trained.recipe, len(trained.labels))
    inputs = ModelInputs(trained.tokenizer, trained.model.input)
    words = [split.texts[row].split() for row in range(len(split))]  # of prepared, joined by spaces
    shown, lengths = inputs.of_words(tf.ragged.constant(words))
    prepared = batching.batch(split, np.arange(len(split)), 1)
    assert lengths.numpy().tolist() == split.labels.lengths.tolist()
    for name in trained.model.input:
        np.testing.assert_array_equal(shown[name], prepared[name])
