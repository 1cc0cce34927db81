"""Entities by their places in texts, against tags that are worked out by hand."""

import json

import pandas as pd
import pytest
from reading import examples

from configs import loading
from configs.data import Data
from configs.tasks import Tag
from pipeline.prepare import inputs
from pipeline.prepare.checks import checker
from pipeline.prepare.records import checked_batches
from pipeline.recipes import new

TASK = "task: {kind: tag, text: text, label: label}"
TEXTS = [
    ("Ann Lee, of New York-Mills.", [[0, 7, "per"], [12, 20, "loc"]]),
    ("😀 Zoë\u00a0went", [[2, 5, "per"]]),  # places count characters, not bytes or UTF-16
    ("nobody is here", []),
]
WORDS = ["Ann", "Lee", ",", "of", "New", "York", "-", "Mills", "."]
TAGS = {
    "bio": "B-per I-per O O B-loc I-loc O O O",
    "bioes": "B-per E-per O O B-loc E-loc O O O",
}
KEYS = {
    "doccano": ("start_offset", "end_offset", "label"),
    "prodigy": ("start", "end", "label"),
    "label studio": ("start", "end", "labels"),
    "predict": ("begin", "end", "label"),
}


def as_mappings(entities, text, tool):
    rows = [dict(zip(KEYS[tool], entity, strict=True)) for entity in entities]
    for row in rows:
        if tool == "label studio":
            row |= {"text": text[row["start"] : row["end"]], "labels": [row["labels"]]}
    return rows


def write(folder, form, texts=TEXTS):
    rows = [{"text": text, "label": entities} for text, entities in texts]
    if form in KEYS:
        rows = [{**row, "label": as_mappings(row["label"], row["text"], form)} for row in rows]
    path = folder / ("a.parquet" if form == "predict" else "a.csv" if form == "csv" else "a.jsonl")
    if form == "predict":
        pd.DataFrame(rows).to_parquet(path)
    elif form == "csv":
        rows = [{**row, "label": json.dumps(row["label"])} for row in rows]
        pd.DataFrame(rows).to_csv(path, index=False)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def checked(recipe):
    (unit,) = inputs.units(recipe)
    return [record for batch in checked_batches(unit, recipe) for _, record in batch]


@pytest.mark.parametrize("form", ["lists", "csv", *KEYS])
def test_entities_of_every_tool_are_tags_of_the_words_they_cover(recipe, tmp_path, form):
    scheme = "bioes" if form == "doccano" else "bio"
    path = write(tmp_path, form)
    found = checked(recipe(f"data: {{train: {path}}}", TASK.replace("}", f", scheme: {scheme}}}")))
    assert [word.decode() for word in found[0].words] == WORDS
    assert [record.texts[0].decode() for record in found] == [text for text, _ in TEXTS]
    one = "S" if scheme == "bioes" else "B"
    tags = [" ".join(record.label) for record in found]
    assert tags == [TAGS[scheme], f"O {one}-per O", "O O O"]
    assert not any(record.notes for record in found)


def test_what_is_changed_of_entities_is_counted_and_named(prepared, tmp_path, caplog):
    texts = [
        ("unhappy people", [[2, 7, "mood"]]),
        ("University of New York", [[14, 22, "loc"], [0, 22, "org"], [0, 22, "org"]]),
        ("Ann  saw Bo", [[3, 5, "per"], [9, 11, "per"]]),
        ("Ann Leeds", [[0, 5, "one"], [5, 9, "two"]]),  # two halves of one word
    ]
    path = write(tmp_path, "lists", texts)
    directory = prepared(f"data: {{train: {path}, valid: null}}", TASK)
    names = json.loads((directory / "labels.json").read_text())
    tags = [" ".join(names[i] for i in e["label"]) for e in examples(directory, "train")]
    assert tags == ["B-mood O", "B-org I-org I-org I-org", "O O B-per", "B-one I-one"]
    remarks = "\n".join(json.loads((directory / "report.json").read_text())["remarks"])
    cuts = "An entity begins or ends inside a word, and gets the whole of it: 3 in all, first at "
    overlaps = "An entity overlaps a longer one, and is left out: 2 in all, first at "
    assert f"{cuts}{path}:1, {path}:4." in remarks
    assert f"{overlaps}{path}:2, {path}:4." in remarks
    assert f"An entity has no word, and is left out: 1 in all, first at {path}:3." in remarks
    assert f"{cuts}{path}:1" in caplog.text


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        ([0, 30, "x"], "an entity lies outside of its text"),
        ([-1, 3, "x"], "an entity lies outside of its text"),
        ([3, 3, "x"], "an entity lies outside of its text"),
        ([0, 3, " "], "missing label"),
        ([0, 3], "an entity is not start, end and label"),
        ({"start": 0, "end": 3, "label": None}, "missing label"),
        ({"start": 0, "end": 3, "labels": ["x", "y"]}, "label is neither a string nor a number"),
        ({"start": True, "end": 3, "label": "x"}, "an entity lies outside of its text"),
        (
            {"start": 0, "end": 3, "label": "x", "text": "an "},
            "does not stand where its start says",
        ),
        ("O", "words are not a list of strings"),
    ],
)
def test_entities_that_are_refused(entity, reason):
    record = {"text": "Ann Lee", "label": [entity]}
    refused = checker(Tag(kind="tag", text="text", label="label"), ())(record)
    assert reason in refused.reason


@pytest.mark.parametrize(("label", "reason"), [(None, "missing label"), ("B O", "words are not a")])
def test_texts_without_a_list(label, reason):
    check = checker(Tag(kind="tag", text="text", label="label"), ())
    assert reason in check({"text": "Ann Lee", "label": label}).reason
    plain = checker(Tag(kind="tag", text="text", label="label", scheme="plain"), ())
    assert "should not be plain" in plain({"text": "Ann", "label": [[0, 3, "x"]]}).reason


def test_a_text_without_words_is_empty(recipe, tmp_path):
    path = write(tmp_path, "lists", [*TEXTS, ("<br> </p>", [])])
    found = checked(recipe(f"data: {{train: {path}}}", TASK, "text: {html: true}"))
    assert [len(record.words) for record in found[:3]] == [9, 3, 3]
    assert found[3].reason == "empty text"


@pytest.mark.parametrize("form", ["lists", "prodigy"])
def test_new_knows_them(form, tmp_path):
    path = write(tmp_path, form, [("nobody", []), *TEXTS] * 9)
    text = new.recipe(Data(train=str(path), test=None), "text", "label")
    recipe = loading.parse(text)
    assert (recipe.task.kind, recipe.task.scheme, recipe.task.decoder) == ("tag", "bio", "crf")
    assert "entities by their places" in text
