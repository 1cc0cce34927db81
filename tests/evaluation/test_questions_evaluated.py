"""Span questions from files to a comparison, scored anew from the predictions."""

import json
from html import escape

import numpy as np
import pandas as pd
import pytest

from configs.recipe import Recipe
from pipeline.evaluation.compare import compare
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.span_scores import best_threshold, scores

NAMES, PLACES = ["Ann", "Bob", "Cy", "Dee", "Eve"], ["Rome", "New York", "Oslo", "Old Goa"]
FILLERS = ["and", "so", "they", "say", "often", "here"]
TEST = 50


def make_questions(number, seed):
    """Where someone is from, which the context says after `from`, and why, which it never says."""
    random = np.random.default_rng(seed)
    rows = []
    for row in range(number):
        name, place = str(random.choice(NAMES)), str(random.choice(PLACES))
        before, after = (" ".join(random.choice(FILLERS, 3 + random.integers(12))) for _ in "ab")
        context = f"{before}  {name} is from {place}, {after}."
        why = random.random() < 0.4
        answers = [{"text": place, "answer_start": context.index(place)}]
        rows.append(
            {
                "id": f"{seed}-{row}",
                "question": f"{'Why' if why else 'Where'} is {name} from?",
                "is_impossible": why,
                "answers": [] if why else answers * 2,
                "context": context,
            }
        )
    return rows


def write(path, rows):
    paragraphs = [{"context": row.pop("context"), "qas": [row]} for row in rows]
    squad = {"version": "v2.0", "data": [{"title": "People", "paragraphs": paragraphs}]}
    path.write_text(json.dumps(squad), encoding="utf-8")


@pytest.fixture(scope="module")
def train_questions(tmp_path_factory, mlflow_store):
    """Prepare and train a small job; returns (recipe, prepared, run_dir)."""
    from pipeline.prepare import prepare
    from pipeline.training.train import train

    def trained(epochs, seed=1):
        folder = tmp_path_factory.mktemp("questions")
        for name, number, drawn in (("train", 300, 0), ("valid", 40, 2), ("test", TEST, 1)):
            write(folder / f"{name}.json", make_questions(number, drawn))
        files = {name: str(folder / f"{name}.json") for name in ("train", "valid", "test")}
        recipe = Recipe.model_validate(
            {
                "name": f"questions-{epochs}",
                "seed": seed,
                "work": str(folder / "work"),
                "data": {**files, "format": "squad", "columns": ["title"]},
                "text": {"max_length": 24},
                "task": {
                    "kind": "span",
                    "impossible": True,
                    "stride": 8,
                    "longest_question": 6,
                    "longest_answer": 4,
                    "n_best": 3,
                },
                "model": {"kind": "lstm", "embedding": {"width": 16}, "units": 16},
                "train": {"epochs": epochs, "batch_size": 32, "learning_rate": 0.01},
                "evaluate": {"resamples": 200, "mistakes": 5, "slices": ["title"]},
                "tracking": {"uri": mlflow_store, "experiment": "questions"},
            }
        )
        prepared = prepare(recipe)
        run_dir = train(recipe, prepared)
        return recipe, prepared, run_dir, evaluate(recipe, prepared, run_dir)

    return trained


@pytest.fixture(scope="module")
def evaluated(train_questions):
    recipe, _, run_dir, found = train_questions(6)
    folder = run_dir / "evaluation"
    report = json.loads((folder / "report.json").read_text())
    return recipe, run_dir, found, report, pd.read_parquet(folder / "predictions.parquet")


def test_it_learns_where_answers_stand_and_where_there_is_none(evaluated):
    _, _, found, _, predictions = evaluated
    assert found["f1"]["value"] > 0.8
    assert found["f1"]["n"] == len(predictions) == TEST


def test_figures_are_those_of_the_predictions(evaluated):
    _, _, found, report, predictions = evaluated
    golds = [list(some) for some in predictions.label]
    exact, f1 = scores(predictions.predicted.tolist(), golds, impossible=True)
    assert found["exact"]["value"] == pytest.approx(exact.mean())
    assert found["f1"]["value"] == pytest.approx(f1.mean())
    if f1.std():
        assert found["f1"]["low"] <= found["f1"]["value"] <= found["f1"]["high"]
    else:  # all alike, as resamples of them would be
        assert found["f1"]["low"] is None
    answerable = np.array([bool(some) for some in golds])
    assert [entry["questions"] for entry in report["answerable"]] == [
        answerable.sum(),
        (~answerable).sum(),
    ]
    for entry, own in zip(report["answerable"], (answerable, ~answerable), strict=True):
        assert entry["exact"]["value"] == pytest.approx(exact[own].mean())


def test_rows_are_the_questions_of_the_file(evaluated):
    _, _, _, report, predictions = evaluated
    asked = make_questions(TEST, 1)
    assert predictions.id.tolist() == [row["id"] for row in asked]
    assert predictions.text.tolist() == [row["question"] for row in asked]
    wanted = [[answer["text"] for answer in row["answers"]] for row in asked]
    assert [list(some) for some in predictions.label] == wanted
    for row, best in zip(asked, predictions.best, strict=True):
        assert best
        assert best in row["context"]
    assert report["windows"] > TEST


def test_thresholds(evaluated):
    _, _, _, report, predictions = evaluated
    golds = [list(some) for some in predictions.label]
    exact, _ = scores(predictions.best.tolist(), golds, impossible=True)
    there = np.array([bool(some) for some in golds])
    best = best_threshold(exact, np.ones(TEST, bool), there, predictions.margin.to_numpy())
    entry = next(entry for entry in report["thresholds"] if entry["for"] == "exact")
    assert entry["score"] == pytest.approx(best.score)
    assert entry["score"] >= report["metrics"]["exact"]["value"]


def test_the_page_tells_it(evaluated):
    _, run_dir, found, report, _ = evaluated
    page = (run_dir / "evaluation" / "report.html").read_text()
    assert f"{100 * found['f1']['value']:.1f}" in page
    for part in ("Questions with an answer, and without", "exact match", "test questions"):
        assert part in page
    for mistake in report["mistakes"]:
        assert escape(mistake["text"]) in page


def test_runs_are_compared_by_the_same_questions(evaluated, train_questions, tmp_path):
    _, better, found, _, predictions = evaluated
    *_, worse, other = train_questions(1)
    html = compare([str(better), str(worse)], None, None, tmp_path).read_text()
    theirs = pd.read_parquet(worse / "evaluation" / "predictions.parquet")
    behind = 100 * (theirs.f1.mean() - predictions.f1.mean())
    assert other["f1"]["value"] < found["f1"]["value"]
    assert f"{behind:+.1f}" in html
