"""Test rows with a label that training lacks count as wrong, against scikit-learn and seqeval."""

from itertools import chain

import numpy as np
import pytest
import tensorflow as tf
from seqeval import metrics as seqeval
from sklearn import metrics
from small_data import COLOURS, LABELS, TAGS, make_rows, make_tagged, write_prepared

from pipeline import data, runs
from pipeline.evaluation.evaluate import measure
from pipeline.training.validation import validator

NEW = 3  # the id after those of the three colours


def measured(job, tmp_path, rows, labels):
    """The same small job's figures on other test rows, and its prepared data."""
    recipe, prepared, run_dir = job
    rows = {"train": rows[20:], "test": rows}
    folder = write_prepared(tmp_path / "other", recipe, rows, labels, ["owl"])
    # The model reads texts by the words it was trained with.
    (folder / "tokenizer").rename(tmp_path / "unused")
    (folder / "tokenizer").symlink_to(prepared / "tokenizer")
    return measure(recipe, runs.load(run_dir), folder, "test"), folder


def test_one_label(train_small, tmp_path):
    rows = make_rows(40, 7, LABELS["classify"])
    rows = [(text, NEW if i < 5 else label, c) for i, (text, label, c) in enumerate(rows)]
    found, _ = measured(train_small("classify"), tmp_path, rows, COLOURS)
    table, report = found.predictions, found.findings
    assert (table.label == "owl").sum() == 5
    assert not table.correct[:5].any()
    assert set(table.predicted) <= set(COLOURS)
    assert {len(scores) for scores in table.scores} == {3}
    value = {name: each["value"] for name, each in report["metrics"].items()}
    assert value["accuracy"] == pytest.approx(metrics.accuracy_score(table.label, table.predicted))
    macro = metrics.f1_score(table.label, table.predicted, average="macro", zero_division=0)
    assert value["macro_f1"] == pytest.approx(macro)
    chances = np.array(table.scores[5:].to_list())
    loss = metrics.log_loss(table.label[5:], chances, labels=COLOURS)
    assert value["nll"] == pytest.approx(loss, abs=1e-5)
    assert report["metrics"]["accuracy"]["n"] == 40
    assert report["metrics"]["nll"]["n"] == 35
    owl = next(entry for entry in report["classes"] if entry["label"] == "owl")
    assert (owl["n"], owl["recall"], owl["f1"]) == (5, 0.0, 0.0)
    assert sum(c["n"] for c in report["confusions"] if c["label"] == "owl") == 5
    assert [b["metrics"]["accuracy"]["n"] for b in report["baselines"]] == [40, 40]


def test_several_labels(train_small, tmp_path):
    rows = make_rows(40, 8, LABELS["multilabel"])
    rows = [(text, [*label, NEW] if i < 9 else label, c) for i, (text, label, c) in enumerate(rows)]
    found, _ = measured(train_small("multilabel"), tmp_path, rows, COLOURS)
    names = [*COLOURS, "owl"]
    true, said = (
        np.array([[name in labels for name in names] for labels in column])
        for column in (found.predictions.label, found.predictions.predicted)
    )
    assert not said[:, NEW].any()
    value = {name: each["value"] for name, each in found.findings["metrics"].items()}
    assert value["micro_f1"] == pytest.approx(metrics.f1_score(true, said, average="micro"))
    macro = metrics.f1_score(true, said, average="macro", zero_division=0)
    assert value["macro_f1"] == pytest.approx(macro)
    assert value["subset_accuracy"] == pytest.approx(metrics.accuracy_score(true, said))
    assert np.isfinite(value["nll"])


def test_tags(train_tagger, tmp_path):
    names = TAGS["bio"]
    rows = make_tagged(40, 9, names)
    # The first word of the first sentences is a span of a kind that nobody taught.
    rows = [(t, [4, *tags[1:]] if i < 6 else tags, c) for i, (t, tags, c) in enumerate(rows)]
    rows = [row for row in rows if len(row[1]) < 2 or row[1][:2] != [4, 3]]
    job = train_tagger("bio", "crf")
    recipe, prepared, run_dir = job
    folder = write_prepared(
        tmp_path / "x", recipe, {"train": rows[20:], "test": rows}, names, ["B-owl"]
    )
    (folder / "tokenizer").rename(tmp_path / "unused")
    (folder / "tokenizer").symlink_to(prepared / "tokenizer")
    found = measure(recipe, runs.load(run_dir), folder, "test")
    gold, said = found.predictions.label.tolist(), found.predictions.predicted.tolist()
    assert sum(tag == "B-owl" for tag in chain(*gold)) >= 4
    value = {name: each["value"] for name, each in found.findings["metrics"].items()}
    assert value["entity_f1"] == pytest.approx(seqeval.f1_score(gold, said))
    assert value["recall"] == pytest.approx(seqeval.recall_score(gold, said))
    accuracy = metrics.accuracy_score(list(chain(*gold)), list(chain(*said)))
    assert value["accuracy"] == pytest.approx(accuracy)


@pytest.mark.parametrize("kind", ["classify", "multilabel"])
def test_validation_counts_them_as_wrong_and_leaves_their_loss_out(kind, train_small, tmp_path):
    recipe, _, run_dir = train_small(kind)
    rows = make_rows(30, 3, LABELS[kind])
    extra = [("a red owl", NEW if kind == "classify" else [NEW], {"end": "o"})] * 10
    trained, found = runs.load(run_dir), []
    for name, some in (("known", rows), ("more", rows + extra)):
        folder = write_prepared(
            tmp_path / name, recipe, {"train": rows, "valid": some}, COLOURS, ["owl"]
        )
        split = data.load(folder, "valid", recipe, len(COLOURS))
        score = validator(recipe, COLOURS, trained.model, tf.distribute.get_strategy(), split)
        found.append(score())
    known, more = found
    if kind == "classify":
        assert more["accuracy"] == pytest.approx(known["accuracy"] * 30 / 40)
        assert more["loss"] == pytest.approx(known["loss"], rel=1e-5)
    else:
        assert more["subset_accuracy"] == pytest.approx(known["subset_accuracy"] * 30 / 40)
        assert np.isfinite(more["loss"])
