"""What an evaluation writes, against scikit-learn on the predictions that it writes."""

import json
import re
from html.parser import HTMLParser

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from configs.loading import RecipeError
from pipeline import artifacts, data, stages
from pipeline.errors import JobError
from pipeline.evaluation import evaluation_page, intervals, pictures, scores
from pipeline.evaluation.evaluate import evaluate, flat

ORACLES = {
    "classify": {
        "accuracy": lambda y, p: metrics.accuracy_score(y, p),
        "macro_f1": lambda y, p: metrics.f1_score(y, p, average="macro"),
    },
    "regress": {
        "rmse": lambda y, p: metrics.root_mean_squared_error(y, p),
        "mae": lambda y, p: metrics.mean_absolute_error(y, p),
        "pearson": lambda y, p: np.corrcoef(y, p)[0, 1],
    },
}
NAMES = {
    "classify": ["accuracy", "macro_f1", "matthews", "nll", "ece"],
    "multilabel": ["micro_f1", "macro_f1", "subset_accuracy", "nll"],
    "regress": ["rmse", "mae", "pearson", "spearman"],
}


def read(run_dir, name):
    return json.loads((run_dir / "evaluation" / name).read_text())


def test_metrics_are_those_of_the_predictions(job):
    recipe, prepared, run_dir = job
    found = evaluate(recipe, prepared, run_dir)
    kind = recipe.task.kind
    assert list(found) == NAMES[kind]
    assert read(run_dir, "metrics.json") == found
    for estimate in found.values():
        assert estimate["low"] < estimate["high"]
        assert estimate["n"] == 60
    table = pd.read_parquet(run_dir / "evaluation" / "predictions.parquet")
    assert len(table) == len(set(table.example)) == 60
    for name, oracle in ORACLES.get(kind, {}).items():
        expected = oracle(table.label, table.predicted)
        assert found[name]["value"] == pytest.approx(expected, abs=1e-6), name
    if kind == "multilabel":
        subset = [set(y) == set(p) for y, p in zip(table.label, table.predicted, strict=True)]
        assert found["subset_accuracy"]["value"] == pytest.approx(np.mean(subset))
        assert table.correct.tolist() == subset


def test_report_has_every_section_of_the_task(job):
    recipe, prepared, run_dir = job
    evaluate(recipe, prepared, run_dir)
    report = read(run_dir, "report.json")
    assert report["split"] == "test"
    assert {part["by"] for part in report["slices"]} == {"length", "end"}
    for cut in ("length", "end"):
        assert sum(part["n"] for part in report["slices"] if part["by"] == cut) == 60
    wrong = [mistake["wrong"] for mistake in report["mistakes"]]
    assert 1 <= len(wrong) <= 5
    assert wrong == sorted(wrong, reverse=True)
    assert all(mistake["decided_by"] for mistake in report["mistakes"])
    assert len(report["class_ngrams"]) == (2 if recipe.task.kind == "regress" else 3)
    assert all(entry["ngrams"] for entry in report["class_ngrams"])
    if recipe.task.kind == "classify":
        assert sum(entry["n"] for entry in report["classes"]) == 60
        wrong = 60 * (1 - report["metrics"]["accuracy"]["value"])
        assert sum(entry["n"] for entry in report["confusions"]) == pytest.approx(wrong)
    names = {
        "classify": ["majority", "linear"],
        "regress": ["mean", "ridge"],
        "multilabel": ["same_labels", "linear_labels"],
    }
    found = [entry["baseline"] for entry in report.get("baselines", [])]
    assert found == names[recipe.task.kind]


def test_numbers_stand_beside_what_n_grams_alone_reach(train_small):
    """The number of colours in a text is a sum over its words, which ridge regression knows too."""
    recipe, prepared, run_dir = train_small("regress")
    evaluate(recipe, prepared, run_dir)
    report = read(run_dir, "report.json")
    mean, ridge = (entry["metrics"] for entry in report["baselines"])
    assert list(mean) == NAMES["regress"]
    train, test = (data.load(prepared, name, recipe, 0).labels for name in ("train", "test"))
    error = metrics.mean_absolute_error(test, np.full(60, train.mean()))
    assert mean["mae"]["value"] == pytest.approx(error, rel=1e-6)
    assert mean["pearson"]["value"] is None
    assert ridge["pearson"]["value"] > 0.5
    against = report["baselines"][0]["against"]
    assert against["test"] == "Wilcoxon signed-rank"
    gap = mean["mae"]["value"] - report["metrics"]["mae"]["value"]
    assert against["value"] == pytest.approx(gap, abs=1e-6)
    page = (run_dir / "evaluation" / "report.html").read_text()
    assert "ahead by, mean absolute error" in page
    assert "undefined" in page
    assert "logit" not in page
    ridge, mean = map(
        page.index, ("TF-IDF + ridge regression</td>", "mean of the training labels<")
    )
    assert ridge < mean


def test_page_needs_nothing_else_and_shows_every_picture(job):
    recipe, prepared, run_dir = job
    evaluate(recipe, prepared, run_dir)
    page = Page()
    page.feed((run_dir / "evaluation" / "report.html").read_text())
    assert page.open == []
    assert all(source.startswith(("#", "data:image/png;base64,")) for source in page.sources)
    names = {path.stem for path in (run_dir / "evaluation" / "pictures").iterdir()}
    assert names >= {"learning", "choice", "slices"}
    assert set(page.pictures) == names


class Page(HTMLParser):
    """What a page loads from elsewhere, and its tags that are still open."""

    def __init__(self):
        super().__init__()
        self.sources, self.pictures, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        names = ("src", "href", "xlink:href")
        self.sources += [value for name, value in attributes if name in names]
        self.pictures += [dict(attributes)["aria-label"]] if tag == "svg" else []
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_run_has_the_figures_and_the_files(job):
    recipe, prepared, run_dir = job
    found = evaluate(recipe, prepared, run_dir)
    link = json.loads((run_dir / "mlflow.json").read_text())
    client = mlflow.MlflowClient(link["tracking_uri"])
    run = client.get_run(link["run_id"])
    for name, estimate in found.items():
        assert run.data.metrics[f"test/{name}"] == pytest.approx(estimate["value"])
        assert run.data.metrics[f"test/{name}/low"] == pytest.approx(estimate["low"])
    if recipe.task.kind == "classify":
        assert 0.3 < run.data.metrics["test/linear_baseline/accuracy"] <= 1
    names = {item.path for item in client.list_artifacts(link["run_id"], "evaluation")}
    assert {"evaluation/report.html", "evaluation/predictions.parquet"} <= names
    assert run.info.status == "FINISHED"


def test_the_same_evaluation_is_skipped_and_another_is_not(train_small):
    recipe, prepared, run_dir = train_small("classify")
    first = evaluate(recipe, prepared, run_dir)
    made = (run_dir / "evaluation" / "manifest.json").stat().st_mtime_ns
    files = artifacts.manifest(run_dir / "evaluation")["files"]
    assert evaluate(recipe, prepared, run_dir) == first
    assert (run_dir / "evaluation" / "manifest.json").stat().st_mtime_ns == made
    other = recipe.model_copy(
        update={"evaluate": recipe.evaluate.model_copy(update={"mistakes": 2})}
    )
    evaluate(other, prepared, run_dir)
    assert len(read(run_dir, "report.json")["mistakes"]) == 2
    evaluate(recipe, prepared, run_dir)
    assert artifacts.manifest(run_dir / "evaluation")["files"] == files  # byte by byte


def test_an_honest_page(train_small):
    """One epoch beats nobody, and the validation split chose the weights: the page says both."""
    recipe, prepared, run_dir = train_small("classify", splits=("valid",), epochs=1)
    evaluate(recipe, prepared, run_dir)
    report = read(run_dir, "report.json")
    assert report["split"] == "valid"
    linear = report["baselines"][1]
    assert linear["metrics"]["accuracy"]["value"] > report["metrics"]["accuracy"]["value"]
    page = (run_dir / "evaluation" / "report.html").read_text()
    assert "There is no test split." in page
    said = "The baseline TF-IDF + logistic regression is ahead of the text CNN by "
    first = page.partition('<div class="tiles">')[0]
    assert re.search(rf"<p class=\"warn\">{re.escape(said)}[\d.]+ points of accuracy \(.+\)", first)


def test_a_perfect_score_of_a_few_texts_is_not_said_to_be_sure(train_small):
    """The page, the picture and the last lines of a report in which nothing is wrong."""
    recipe, prepared, run_dir = train_small("classify")
    evaluate(recipe, prepared, run_dir)
    report = read(run_dir, "report.json")
    labels, right = np.arange(20) % 3, np.eye(3)[np.arange(20) % 3]
    report["metrics"] = intervals.estimate(scores.classify(labels, right), 20, 200, seed=0)
    report["slices"] = [{"by": "a", "part": "b", **report["metrics"]["accuracy"]}] * 2
    report["confusions"] = []
    alike = {"value": 1.0, "low": None, "high": None, "n": 20}
    drawn = pictures.slices([*report["slices"], {"by": "a", "part": "c", **alike}], alike, "mae")
    report["left_out"] = "2.0% of the records were left out, 20 of 1,000: 20 not <b>."
    page = evaluation_page.write(report, {"slices": drawn})
    first = page.partition("<h2>")[0]
    assert "1,000: 20 not &lt;b&gt;. Texts like these were not measured." in first
    assert "accuracy (83.9 to 100.0)" in page
    assert "macro F1 (no interval)" in page
    counts = {"records": 1000, "dead_letters": {"not UTF-8": 20}, "unseen_labels": {}}
    facts = {"metrics": report["metrics"], "prepared_dir": "a", "run_dir": "b", **counts}
    said = stages.in_words(facts)
    assert said[0] == "accuracy       1.0000  95% interval 0.8389 to 1.0000, n 20"
    assert said[1] == "macro_f1       1.0000  no interval, n 20"
    assert (
        said[len(report["metrics"])]
        == "Beware: 2.0% of the records were left out, 20 of 1,000: 20 not UTF-8."
    )
    facts["dead_letters"] = {"not UTF-8": 10}
    assert not [line for line in stages.in_words(facts) if "left out" in line]
    assert not {name for name in flat(report) if "test/macro_f1/" in name}


def test_errors_say_what_to_do(job, tmp_path):
    recipe, prepared, run_dir = job
    unknown = recipe.evaluate.model_copy(update={"slices": ("source",)})
    with pytest.raises(RecipeError, match=r"evaluate.slices: source is not in data.columns.*end"):
        evaluate(recipe.model_copy(update={"evaluate": unknown}), prepared, run_dir)
    with pytest.raises(JobError, match="has not finished"):
        evaluate(recipe, prepared, tmp_path)
