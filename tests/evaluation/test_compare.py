"""Comparisons of real runs, by folder and from the store."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from configs.loading import RecipeError
from pipeline.errors import JobError
from pipeline.evaluation import comparison_page
from pipeline.evaluation.compare import compare
from pipeline.evaluation.compared import Compared
from pipeline.evaluation.evaluate import evaluate
from pipeline.page import svg


@pytest.fixture(scope="module")
def two(train_small):
    """The run directories of a better and a worse classifier."""
    jobs = [train_small("classify"), train_small("classify", epochs=1, name="hasty")]
    for recipe, prepared, run_dir in jobs:
        evaluate(recipe, prepared, run_dir)
    return [run_dir for _, _, run_dir in jobs]


def correct(run_dir):
    table = pd.read_parquet(run_dir / "evaluation" / "predictions.parquet")
    return table.set_index("example").correct


def test_table_and_page_hold_metrics_test_and_differing_settings(two, tmp_path, capsys):
    (two[0] / "export.json").write_text('{"bytes": 2000000, "latency_ms_p50_batch_1": 0.5}')
    path = compare([str(run_dir) for run_dir in two[::-1]], None, None, tmp_path)
    assert path == tmp_path / "compare.html"
    shown = capsys.readouterr().out
    page = path.read_text()
    # The better one stands first, and its cost is known.
    assert shown.index(two[0].name) < shown.index(two[1].name)
    best, other = (correct(run_dir) for run_dir in two)
    best = best.loc[other.index]
    only = [int((other & ~best).sum()), int((best & ~other).sum())]
    p = stats.binomtest(only[0], sum(only)).pvalue
    said = re.search(r"(-[\d.]+) \(.*?\), p (< 0.001|[\d.]+)", shown)
    assert float(said[1]) == pytest.approx(100 * (other.mean() - best.mean()), abs=0.05)
    assert said[2] == ("< 0.001" if p < 0.001 else f"{p:.3f}")
    for text in (shown, page):
        assert "2,000,000" in text
        assert "not known" in text
    assert "train.epochs" in page
    assert "train.batch_size" not in page
    assert "accuracy, % ↑" in page
    assert "negative log-likelihood ↓" in page
    assert "one request, ms ↓</td>" in page


def test_runs_of_the_store_are_the_same_runs(two, mlflow_store, tmp_path, capsys):
    ids = [json.loads((run_dir / "mlflow.json").read_text())["run_id"] for run_dir in two]
    for run_dir in two:
        (run_dir / "export.json").unlink(missing_ok=True)
    folders = compare([str(run_dir) for run_dir in two], None, None, tmp_path / "a.html")
    mixed = compare([ids[0], two[1].name], None, mlflow_store, tmp_path / "b.html")
    assert mixed.read_text() == folders.read_text()
    compare([], "classify valid test", mlflow_store, tmp_path)
    shown = capsys.readouterr().out
    assert shown.count(two[0].name) == shown.count(two[1].name) == 3


def test_examples_are_joined_whatever_their_order(two, tmp_path):
    paths = [str(run_dir) for run_dir in two]
    before = compare(paths, None, None, tmp_path).read_text()
    shuffled = tmp_path / two[0].name
    shutil.copytree(two[0], shuffled)
    path = shuffled / "evaluation" / "predictions.parquet"
    (path.parent / "manifest.json").unlink()  # which knows what the file was
    pd.read_parquet(path).sample(frac=1, random_state=1).to_parquet(path)
    assert compare([str(shuffled), paths[1]], None, None, tmp_path).read_text() == before


def test_runs_on_other_texts_or_labels_are_refused(two, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(two[0], other)
    path = other / "evaluation" / "predictions.parquet"
    (path.parent / "manifest.json").unlink()
    table = pd.read_parquet(path)
    table.loc[:6, "label"] = "purple"
    table.to_parquet(path)
    with pytest.raises(JobError, match="7 of their 60 texts have different labels"):
        compare([str(two[0]), str(other)], None, None, tmp_path)
    table[:50].to_parquet(path)
    with pytest.raises(JobError, match=r"share 50 texts, of 60 \(test\) and 50"):
        compare([str(two[0]), str(other)], None, None, tmp_path)


def test_tasks_are_not_mixed(two, train_small, tmp_path):
    recipe, prepared, run_dir = train_small("regress")
    evaluate(recipe, prepared, run_dir)
    with pytest.raises(JobError, match="one is classify, the other regress"):
        compare([str(two[0]), str(run_dir)], None, None, tmp_path)


@pytest.mark.parametrize("kind", ["multilabel", "regress"])
def test_other_tasks(kind, train_small, tmp_path, capsys):
    paths = []
    for epochs in (4, 1):
        recipe, prepared, run_dir = train_small(kind, epochs=epochs)
        evaluate(recipe, prepared, run_dir)
        paths.append(str(run_dir))
    compare(paths, None, None, tmp_path)
    assert re.search(r"the best.*-\d.*, p ", capsys.readouterr().out)


def test_errors_say_what_is_missing(two, mlflow_store, tmp_path):
    with pytest.raises(RecipeError, match="two runs or more"):
        compare([str(two[0])], None, None, tmp_path)
    with pytest.raises(JobError, match="no run of that id or name"):
        compare([str(two[0]), "nobody"], None, mlflow_store, tmp_path)
    with pytest.raises(JobError, match=r"no experiment 'nothing', only .*classify"):
        compare([], "nothing", mlflow_store, tmp_path)
    with pytest.raises(JobError, match="has no evaluation"):
        compare([str(two[0]), str(tmp_path)], None, None, tmp_path)


@pytest.fixture
def language_run(tmp_path):
    """Write what a language model's evaluation leaves: losses and words of four documents."""

    def write(name, losses, vocabulary=100):
        words, losses = np.array([4, 12, 2, 8]), np.array(losses, float)
        folder = tmp_path / name
        (folder / "evaluation").mkdir(parents=True)
        (folder / "training").mkdir()
        (folder / "training" / "recipe.yaml").write_text(f"model: {{layers: {len(name)}}}")
        table = pd.DataFrame({"example": list("abcd"), "words": words, "loss": losses})
        table.to_parquet(folder / "evaluation" / "predictions.parquet")
        value = float(np.exp(losses.sum() / words.sum()))
        perplexity = {"value": value, "low": value - 1, "high": value + 1, "n": 4}
        unknown = {"value": 0.25, "low": 0.2, "high": 0.3, "n": 4}
        report = {
            "task": "language_model",
            "score": "perplexity",
            "split": "test",
            "vocabulary": vocabulary,
            "parameters": 10,
            "metrics": {"perplexity": perplexity, "unknown_words": unknown},
        }
        (folder / "evaluation" / "report.json").write_text(json.dumps(report))
        return str(folder)

    return write


def test_language_models(language_run, tmp_path, capsys):
    good, bad = language_run("good", [4, 12, 2, 8]), language_run("worse", [8, 23, 5, 16])
    page = compare([bad, good], None, None, tmp_path).read_text()
    difference = np.exp(1) - np.exp(52 / 26)
    assert f"{difference:+.3f} (" in page
    assert "the same 4 test documents" in page
    assert "perplexity, below 0 where it is worse" in page
    assert "25.0 (20.0 to 30.0)" in page
    shown = capsys.readouterr().out
    assert shown.index("good") < shown.index("worse")


def test_language_models_of_other_words_are_refused(language_run, tmp_path):
    runs = [language_run("some", [4, 12, 2, 8]), language_run("more", [4, 12, 2, 8], 200)]
    with pytest.raises(JobError, match=r"one has 100 of them and 25\.00% unknown words"):
        compare(runs, None, None, tmp_path)


def test_costs_are_drawn_in_plain_numbers():
    accuracy = {"value": 0.8, "low": 0.7, "high": 0.9, "n": 10}
    report = {"score": "accuracy", "metrics": {"accuracy": accuracy}}

    def texts(key, *costs):
        runs = [Compared(f"run {cost}", report, {}, {key: cost}, None) for cost in costs]
        return set(re.findall(r">([^<>]+)</text>", svg(comparison_page.against(runs, key))))

    milliseconds = texts("latency_ms_p50_batch_1", 0.8, 1.2)
    assert {"0.4", "0.8", "1.2", "one request, ms ↓", "accuracy ↑"} <= milliseconds
    assert {"0", "600,000", "1.2 million"} <= texts("parameters", 1_200_000, 2_000_000)
    assert {"1", "10", "100"} <= texts("seconds", 0.9, 150)
