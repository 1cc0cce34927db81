"""Span questions by the real stages: questions on files in, an export out, asked in every way."""

import json

import pandas as pd
import pytest

from configs.recipe import Recipe
from pipeline import artifacts
from pipeline.evaluation.evaluate import evaluate
from pipeline.prepare import prepare
from pipeline.publishing import saved_model
from pipeline.publishing.export import export
from pipeline.publishing.predict import predict
from pipeline.publishing.verify import verify
from pipeline.training.train import train

pytestmark = pytest.mark.slow

PLACES = ["Rome", "New  York", "Oslo", "Köln"]


def records(number):
    """Where someone is from, which the context says late, and why, which it never says."""
    for row in range(number):
        place, why = PLACES[row % 4], row % 3 == 0
        context = f"{'so they say ' * (row % 7)}{row} is from {place}, and so on."
        answer = {"text": place, "start": context.index(place)}
        yield {
            "id": f"q{row}",
            "question": f"{'Why' if why else 'Where'} is {row} from?",
            "context": context,
            "answers": [] if why else [answer],
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory, mlflow_store):
    """The recipe, the run and its export."""
    folder = tmp_path_factory.mktemp("spans")
    lines = [json.dumps(record) + "\n" for record in records(120)]
    (folder / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "test.jsonl").write_text("".join(lines[:30]), encoding="utf-8")
    recipe = Recipe.model_validate(
        {
            "name": "spans",
            "work": str(folder / "work"),
            "data": {name: str(folder / f"{name}.jsonl") for name in ("train", "test")},
            "text": {"max_length": 24},
            "task": {
                "kind": "span",
                "impossible": True,
                "stride": 8,
                "longest_question": 6,
                "longest_answer": 4,
            },
            "model": {"kind": "lstm", "units": 8, "embedding": {"width": 8}},
            "train": {"epochs": 8, "batch_size": 8, "learning_rate": 0.01},
            "evaluate": {"resamples": 100},
            "export": {"golden": 20, "top_k": 2},
            "tracking": {"uri": mlflow_store},
        }
    )
    prepared = prepare(recipe)
    run_dir = train(recipe, prepared)
    found = evaluate(recipe, prepared, run_dir)
    return recipe, run_dir, export(recipe, run_dir), found


def test_it_answers_what_the_trained_model_answered(made):
    *_, exported, _ = made
    assert verify(exported) <= 1e-5


def test_served_answers_are_those_that_were_evaluated(made):
    _, run_dir, exported, found = made
    assert found["f1"]["value"] > 0.7
    wanted = pd.read_parquet(run_dir / "evaluation" / "predictions.parquet")
    asked = list(records(30))
    answers = saved_model.load(exported)(
        [record["question"] for record in asked], [record["context"] for record in asked]
    )
    assert answers["answer"].tolist() == wanted.predicted.tolist()
    assert answers["score"] == pytest.approx(wanted.score.to_numpy(), abs=1e-5)
    assert answers["answers"].shape == (30, 2)


def test_what_it_says_of_itself(made):
    *_, exported, _ = made
    assert artifacts.manifest(exported)["signatures"] == ["serving_default"]
    card = (exported / "MODEL_CARD.md").read_text()
    for part in ("finds the answer to a question in a context", "`answer_begins`", '"second": '):
        assert part in card


def test_predictions_on_files(made, tmp_path):
    *_, exported, _ = made
    asked = [{**record, "answers": None} for record in records(5)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    told = predict(exported, [str(tmp_path / "a.jsonl")], tmp_path / "out")
    assert told["predicted"] == 5
    (path,) = (tmp_path / "out").glob("*.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    answers = saved_model.load(exported)(
        [row["question"] for row in asked], [row["context"] for row in asked]
    )
    assert [row["predicted_answer"] for row in rows] == answers["answer"].tolist()
    assert [row["id"] for row in rows] == [row["id"] for row in asked]
