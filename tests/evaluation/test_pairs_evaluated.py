"""Pairs of texts from files to a comparison, against the files, scikit-learn and scipy."""

import csv
import json
import re
from collections import Counter
from html import escape
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from configs.recipe import Recipe
from pipeline.errors import JobError
from pipeline.evaluation.compare import compare
from pipeline.evaluation.evaluate import evaluate

WORDS = ["red", "blue", "green", "house", "paint", "door", "wall", "roof"]
TEST = 60
LABELS = {
    "classify": lambda first, second: "share" if first & second else "differ",
    "regress": lambda first, second: str(float(len(first & second))),
}


def make_rows(number, seed, kind):
    """Two texts of a few words. Some first texts stand in several pairs."""
    random = np.random.default_rng(seed)
    rows = []
    for row in range(number):
        first, second = (random.choice(WORDS, random.integers(1, 5)).tolist() for _ in range(2))
        if row % 10 == 9:
            first = rows[-1][0].split()
        label = LABELS[kind](set(first), set(second))
        rows.append((" ".join(first), " ".join(second), label))
    return rows


@pytest.fixture(scope="module")
def train_pairs(tmp_path_factory, mlflow_store):
    """Prepare and train a small job; returns (recipe, rows of the test file, prepared, run_dir)."""
    from pipeline.prepare import prepare
    from pipeline.training.train import train

    def trained(kind, compared, pooling, seed=1, epochs=2):
        folder = tmp_path_factory.mktemp("pairs")
        rows = {"train": make_rows(150, 0, kind), "test": make_rows(TEST, seed, kind)}
        for name, texts in rows.items():
            with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("one", "other", "said"), *texts])
        recipe = Recipe.model_validate(
            {
                "name": f"pairs-{compared}",
                "work": str(folder / "work"),
                "data": {name: str(folder / f"{name}.csv") for name in rows} | {"valid": None},
                "task": {"kind": kind, "text": "one", "second": "other", "label": "said"},
                "model": {
                    "kind": "lstm",
                    "embedding": {"width": 8},
                    "units": 4,
                    "pooling": pooling,
                    "pairs": {"compare": compared, "width": 8},
                },
                "train": {"epochs": epochs, "batch_size": 16, "learning_rate": 0.01},
                "evaluate": {"resamples": 200, "mistakes": 5},
                "tracking": {"uri": mlflow_store, "experiment": f"pairs {kind}"},
            }
        )
        prepared = prepare(recipe)
        run_dir = train(recipe, prepared)
        evaluate(recipe, prepared, run_dir)
        return recipe, rows["test"], prepared, run_dir

    return trained


@pytest.fixture(scope="module")
def classified(train_pairs):
    return train_pairs("classify", "attention", {"kind": "self_attentive", "hops": 2, "width": 4})


@pytest.fixture(scope="module")
def rated(train_pairs):
    return train_pairs("regress", "features", {"kind": "mean"})


def report(run_dir):
    return json.loads((run_dir / "evaluation" / "report.json").read_text(encoding="utf-8"))


def predictions(run_dir):
    return pd.read_parquet(run_dir / "evaluation" / "predictions.parquet")


def test_predictions_have_both_texts_and_an_id_of_both(classified):
    _, rows, _, run_dir = classified
    table = predictions(run_dir)
    assert Counter(zip(table.text, table.second_text, table.label, strict=True)) == Counter(rows)
    assert table.example.is_unique
    accuracy = metrics.accuracy_score(table.label, table.predicted)
    assert report(run_dir)["metrics"]["accuracy"]["value"] == pytest.approx(accuracy)


def test_numbers_are_correlated_as_scipy_does(rated):
    _, _, _, run_dir = rated
    table, found = predictions(run_dir), report(run_dir)["metrics"]
    for name, oracle in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
        expected = oracle(table.label, table.predicted).statistic
        assert found[name]["value"] == pytest.approx(expected, abs=1e-6)
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    page = (run_dir / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert escape("Pearson's r") in page
    assert escape("Spearman's rho") in page
    assert (run_dir / "evaluation" / "pictures" / "scatter.svg").stat().st_size > 1000
    assert "What it looked at" not in page


@pytest.mark.parametrize("job", ["classified", "rated"])
def test_mistakes_show_both_texts(job, request):
    _, rows, _, run_dir = request.getfixturevalue(job)
    page = (run_dir / "evaluation" / "report.html").read_text(encoding="utf-8")
    mistakes = report(run_dir)["mistakes"]
    assert 1 <= len(mistakes) <= 5
    for mistake in mistakes:
        assert any(row[:2] == (mistake["text"], mistake["second_text"]) for row in rows)
        cells = [f"<td>{escape(mistake[key])}</td>" for key in ("text", "second_text")]
        assert "".join(cells) in page
    assert "60 test pairs" in page


def test_slices_are_by_the_words_of_both(classified):
    _, rows, _, run_dir = classified
    lengths = np.array([len(f"{first} {second}".split()) for first, second, _ in rows])
    parts = report(run_dir)["slices"]
    assert {part["by"] for part in parts} == {"length of both"}
    for part in parts:
        low, *_, high = [int(number) for number in re.findall(r"\d+", part["part"])] * 2
        inside = (lengths >= low) & (lengths <= high)
        assert part["n"] == inside.sum()
    assert sum(part["n"] for part in parts) == TEST


def test_attention_is_shown_over_the_words_of_the_files(classified):
    _, _, _, run_dir = classified
    entries = report(run_dir)["attention"]
    assert {entry["mistake"] for entry in entries} == {True, False}
    for entry in entries:
        for prefix, other in (("", "second_"), ("second_", "")):
            tokens = entry[f"{prefix}text"].split()
            assert entry[f"{prefix}tokens"] == tokens
            weights = np.array(entry[f"{prefix}attention"])
            assert weights.shape == (2, len(tokens))
            np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-3)
            aligned = np.array(entry[f"{prefix}alignment"])
            assert aligned.shape == (len(tokens), len(entry[f"{other}tokens"]))
            np.testing.assert_allclose(aligned.sum(axis=1), 1, atol=1e-3)
    folder = run_dir / "evaluation"
    drawn = {path.stem for path in (folder / "pictures").iterdir()}
    assert {entry["picture"] for entry in entries} <= drawn
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == len(drawn)
    assert "src=" not in page


def test_pictures_are_logged(classified):
    _, _, _, run_dir = classified
    link = json.loads((run_dir / "mlflow.json").read_text(encoding="utf-8"))
    client = mlflow.MlflowClient(link["tracking_uri"])
    items = client.list_artifacts(link["run_id"], "evaluation/pictures")
    logged = {Path(item.path).stem for item in items}
    assert {entry["picture"] for entry in report(run_dir)["attention"]} <= logged


def test_the_linear_baseline_sees_what_the_texts_share(classified):
    _, _, _, run_dir = classified
    majority, linear = report(run_dir)["baselines"]
    assert (majority["baseline"], linear["baseline"]) == ("majority", "linear_pair")
    assert linear["metrics"]["accuracy"]["value"] > 0.9
    page = (run_dir / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert "TF-IDF of both texts, overlap + logistic regression" in page


def test_numbers_of_pairs_have_baselines_too(rated):
    _, _, _, run_dir = rated
    mean, ridge = report(run_dir)["baselines"]
    assert (mean["baseline"], ridge["baseline"]) == ("mean", "ridge_pair")
    assert ridge["metrics"]["pearson"]["value"] > 0.8
    page = (run_dir / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert "The linear baseline knows of a pair" in page


def test_runs_on_the_same_pairs_are_compared_and_others_are_not(
    classified, train_pairs, tmp_path, capsys
):
    run_dir = classified[-1]
    plain = train_pairs("classify", "features", {"kind": "max"}, epochs=1)[-1]
    page = compare([str(run_dir), str(plain)], None, None, tmp_path).read_text(encoding="utf-8")
    assert "model.pairs.compare" in page
    assert "on the same 60 test pairs" in page
    assert "points of pairs answered right" in page
    right = [predictions(run).set_index("example").correct for run in (run_dir, plain)]
    difference = abs(right[0].mean() - right[1].loc[right[0].index].mean())
    assert f"{100 * difference:.1f} (" in capsys.readouterr().out
    other = train_pairs("classify", "features", {"kind": "max"}, seed=2, epochs=1)[-1]
    with pytest.raises(JobError, match=r"cannot be compared: they share \d+ pairs"):
        compare([str(run_dir), str(other)], None, None, tmp_path)


def test_evaluated_again_it_is_the_same(classified):
    recipe, _, prepared, run_dir = classified
    page = (run_dir / "evaluation" / "report.html").read_bytes()
    fewer = recipe.evaluate.model_copy(update={"mistakes": 0})
    evaluate(recipe.model_copy(update={"evaluate": fewer}), prepared, run_dir)
    assert all(not entry["mistake"] for entry in report(run_dir)["attention"])
    evaluate(recipe, prepared, run_dir)
    assert (run_dir / "evaluation" / "report.html").read_bytes() == page
