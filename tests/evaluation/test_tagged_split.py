"""Evaluation of small trained taggers, against seqeval and scikit-learn on the table it writes."""

import json
import re
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from seqeval import metrics as seqeval
from seqeval.scheme import IOB2
from sklearn import metrics

from pipeline.evaluation.compare import compare
from pipeline.evaluation.evaluate import evaluate

CASES = {"bio": ("bio", "crf"), "plain": ("plain", "softmax")}


def read(run_dir):
    table = pd.read_parquet(run_dir / "evaluation" / "predictions.parquet")
    report = json.loads((run_dir / "evaluation" / "report.json").read_text())
    return table, report


@pytest.mark.parametrize("case", CASES)
def test_metrics_are_those_of_the_table(case, train_tagger):
    recipe, prepared, run_dir = train_tagger(*CASES[case])
    found = evaluate(recipe, prepared, run_dir)
    table, report = read(run_dir)
    assert len(table) == len(set(table.example)) == 60
    gold, predicted = (column.map(list).tolist() for column in (table.label, table.predicted))
    flat = [list(chain.from_iterable(tags)) for tags in (gold, predicted)]
    expected = {"accuracy": metrics.accuracy_score(*flat)}
    if case == "plain":
        expected["macro_f1"] = metrics.f1_score(*flat, average="macro")
    else:
        expected["entity_f1"] = seqeval.f1_score(gold, predicted)
        expected["precision"] = seqeval.precision_score(gold, predicted)
        expected["recall"] = seqeval.recall_score(gold, predicted)
        well_spelled = seqeval.f1_score(gold, predicted, mode="strict", scheme=IOB2)
        assert well_spelled == expected["entity_f1"]  # nothing else is answered
    assert {name: each["value"] for name, each in found.items()} == pytest.approx(expected)
    assert report["metrics"] == found
    assert expected["accuracy"] > 0.85
    for words, tags, chances in zip(table.text.str.split(), predicted, table.scores, strict=True):
        assert len(words) == len(tags) == len(chances)
    surely = np.concatenate(table.scores.to_list())
    assert ((surely > 0) & (surely <= 1 + 1e-6)).all()
    assert table.correct.tolist() == [g == p for g, p in zip(gold, predicted, strict=True)]


@pytest.mark.parametrize("case", CASES)
def test_report_and_page_have_every_section(case, train_tagger):
    recipe, prepared, run_dir = train_tagger(*CASES[case])
    evaluate(recipe, prepared, run_dir)
    _, report = read(run_dir)
    assert report["score"] == ("accuracy" if case == "plain" else "entity_f1")
    for cut in ("length", "end"):
        assert sum(part["n"] for part in report["slices"] if part["by"] == cut) == 60
    assert 1 <= len(report["mistakes"]) <= 5
    (baseline,) = report["baselines"]
    # A house is part of a thing after a colour only, which no single word tells.
    assert baseline["against"]["value"] > 0.03
    assert baseline["against"]["p"] < 0.05
    page = (run_dir / "evaluation" / "report.html").read_text()
    pictures = {path.stem for path in (run_dir / "evaluation" / "pictures").iterdir()}
    assert page.count("<svg") == len(pictures)
    assert pictures == {"slices", "learning", "choice", "reliability", "confidences"} | (
        {"confusion"} if case == "plain" else set()
    )
    assert "commonest tag" in page
    assert "Words that it knows" in page
    assert "paired bootstrap" in page


def test_taggers_are_compared_by_the_score_that_decides(train_tagger, tmp_path, capsys):
    paths = []
    for decoder, epochs in (("crf", 4), ("softmax", 1)):
        recipe, prepared, run_dir = train_tagger("bio", decoder, epochs)
        evaluate(recipe, prepared, run_dir)
        paths.append(run_dir)
    page = compare([str(path) for path in paths], None, None, tmp_path).read_text()
    shown = capsys.readouterr().out
    said = re.search(r"(-[\d.]+) \(.*?\), p (< 0.001|[\d.]+)", shown)
    values = [read(path)[1]["metrics"]["entity_f1"]["value"] for path in paths]
    assert float(said[1]) == pytest.approx(-100 * abs(values[0] - values[1]), abs=0.06)
    assert "points of entity F1" in page
    assert "task.decoder" in page
