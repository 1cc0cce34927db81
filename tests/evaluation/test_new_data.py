"""Trained models scored on new labelled data, against what their own evaluation says of the same
file.
"""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from configs.loading import RecipeError
from configs.recipe import Recipe
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.evaluation import compare, compared, evaluate, new_data
from pipeline.prepare import prepare
from pipeline.publishing.export import export
from pipeline.training.train import train

SMALL = {"kind": "text_cnn", "widths": [2], "filters": 4, "embedding": {"width": 8}}
BERT = {"kind": "bert", "layers": 1, "width": 8, "heads": 2, "inner": 8, "positions": 128}
WORDS = ["my", "card", "is", "lost", "in", "Rome", "pay", "a", "friend", "now"]


def text(row):
    return " ".join(WORDS[(row * 3 + i * (row % 4 + 1)) % len(WORDS)] for i in range(6)) + f" {row}"


def labelled(label):
    def write(path, rows):
        lines = [json.dumps({"text": text(row), "label": label(row)}) + "\n" for row in rows]
        path.write_text("".join(lines))

    return write


def tagged(path, rows):
    tags = {"card": "B-thing", "Rome": "B-place", "friend": "B-who"}
    lines = [[f"{word}\t{tags.get(word, 'O')}\n" for word in text(row).split()] for row in rows]
    path.write_text("\n".join("".join(some) for some in lines))


def questions(path, rows):
    with path.open("w") as file:
        for row in rows:
            start = text(row).index("a")
            answer = (
                [] if row % 3 == 0 else [{"text": text(row)[start : start + 4], "start": start}]
            )
            record = {
                "id": str(row),
                "question": "what is it?",
                "context": text(row),
                "answers": answer,
            }
            file.write(json.dumps(record) + "\n")


def documents(path, rows):
    path.write_text("".join(f"{text(row)}. {text(row + 1)}.\n" for row in rows))


TAG = {"kind": "tag", "text": "1", "label": "2"}
KINDS = {
    "classify": (labelled(lambda row: "abc"[row % 3]), "jsonl", {"kind": "classify"}, SMALL),
    "multilabel": (
        labelled(lambda n: ["abc"[n % 3], "d"]),
        "jsonl",
        {"kind": "multilabel", "label": "label"},
        SMALL,
    ),
    "regress": (
        labelled(lambda row: row % 7 / 2),
        "jsonl",
        {"kind": "regress", "label": "label"},
        SMALL,
    ),
    "tag": (tagged, "conll", TAG, {"kind": "gru", "units": 4, "embedding": {"width": 8}}),
    "span": (questions, "jsonl", {"kind": "span", "id": "id", "impossible": True}, BERT),
    "language_model": (
        documents,
        "txt",
        {"kind": "language_model"},
        {"kind": "awd_lstm", "width": 6, "units": 8, "layers": 2},
    ),
    "masked_language_model": (documents, "txt", {"kind": "masked_language_model"}, BERT),
}


def trained(kind, folder, store):
    """(recipe, run_dir, export_dir, a file to score on, that the model was tested on)."""
    write, suffix, task, model = KINDS[kind]
    files = {name: folder / f"{name}.{suffix}" for name in ("train", "valid", "test")}
    for name, rows in (("train", 60), ("valid", 20), ("test", 30)):
        write(files[name], range(100, 100 + rows) if name == "test" else range(rows))
    recipe = Recipe.model_validate(
        {
            "name": kind,
            "work": str(folder / "work"),
            "data": {name: str(path) for name, path in files.items()},
            "text": {"max_length": 24 if kind != "span" else 120},
            "task": task,
            "model": model,
            "train": {"epochs": 1, "batch_size": 16},
            "evaluate": {"resamples": 100},
            "tracking": {"uri": store, "experiment": f"new data {kind}"},
        }
    )
    prepared = prepare(recipe)
    run_dir = train(recipe, prepared)
    evaluate.evaluate(recipe, prepared, run_dir)
    return recipe, run_dir, export(recipe, run_dir), str(files["test"])


def check_places(folder, kind, file):
    """Every answer names its line of the file, and the page does so of the worst."""
    lines = Path(file).read_text().splitlines()
    table = pd.read_parquet(folder / "predictions.parquet")
    assert set(table["file"]) == {file}
    assert len(set(table["line"])) == len(table)
    for answer in table.to_dict("records"):
        line = lines[answer["line"] - 1]
        if kind == "tag":  # a line a word
            line = " ".join(word.split()[0] for word in lines[answer["line"] - 1 :][:7])
        known_by = f'"id": "{answer["id"]}"' if kind == "span" else answer["text"]
        assert known_by in line
    report = artifacts.read_json(folder / "report.json")
    page = (folder / "report.html").read_text()
    worst = report["documents"] if kind == "language_model" else report["mistakes"]
    assert worst
    for mistake in worst:
        assert f"<td>{Path(file).name}:{mistake['line']}</td>" in page


def score(address, file, *sets, output=None, columns=(), label=None):
    model = new_data.find(str(address))
    return new_data.score(model, new_data.asked(model, [file], columns, label, list(sets)), output)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_does_on_its_own_test_file_what_it_did_before(kind, tmp_path, mlflow_store):
    _, run_dir, export_dir, file = trained(kind, tmp_path, mlflow_store)
    before = artifacts.read_json(run_dir / "evaluation" / "metrics.json")
    found = score(run_dir, file)
    if kind == "masked_language_model":  # whose examples are drawn anew from the documents
        before = found["metrics"]
    else:
        check_places(run_dir / "evaluation", kind, file)
        check_places(Path(found["output"]), kind, file)
    assert found["metrics"] == before
    assert found["notes"][0] == f"Measured on {file}."
    assert score(export_dir, file)["metrics"] == before
    alone = tmp_path / "elsewhere"
    shutil.copytree(export_dir, alone)
    shutil.rmtree(run_dir)
    found = score(alone, file, f"work={tmp_path / 'other'}")
    assert new_data.NO_RUN in found["notes"]
    unigram = {name for name in before if name.startswith("unigram_")}
    assert found["metrics"].keys() == before.keys() - unigram
    for name, estimate in found["metrics"].items():
        assert estimate["n"] == before[name]["n"]
        assert estimate["value"] == pytest.approx(before[name]["value"], rel=1e-5)


@pytest.fixture(scope="module")
def job(tmp_path_factory, mlflow_store):
    return trained("classify", tmp_path_factory.mktemp("job"), mlflow_store)


def test_other_columns_bad_rows_labels_that_nobody_taught_and_texts_known_from_training(
    job, tmp_path
):
    _, run_dir, export_dir, _ = job
    rows = [["body", "kind"], [text(0), "a"], [text(500), "a"], [text(501), "new"], ["", "b"]]
    rows.append([text(500), "a"])  # a copy is a row like others
    file = tmp_path / "new.csv"
    file.write_text("".join(f"{one},{other}\n" for one, other in rows))
    with pytest.raises(JobError, match=r"more than data\.max_bad = 0\.01 allows"):
        score(run_dir, str(file), columns=["body"], label="kind")
    found = score(export_dir, str(file), "data.max_bad=0.5", columns=["body"], label="kind")
    assert found["metrics"]["accuracy"]["n"] == 4
    told = " ".join(found["notes"])
    assert "20.0% of the records were left out, 1 of 5: 1 empty text" in told
    assert "1 of 4 examples of test has a label that training lacks ('new' 1)" in told
    assert "1 of the 4 examples also stand in the training data" in told
    assert found["verdict"]["baseline"] in ("linear", "majority")
    page = (Path(found["output"]) / "report.html").read_text()
    first = page.partition("<h2>")[0]
    for note in ("Measured on", "also stand in the training", "left out", "that training lacks"):
        assert note in first
    table = (compared.from_folder(Path(found["output"]))).predictions
    assert len(table) == 4


def test_it_is_a_run_below_the_one_that_trained(job, tmp_path):
    recipe, run_dir, _, file = job
    output = tmp_path / "out"
    found = score(run_dir, file, output=output)
    client = MlflowClient(recipe.tracking.uri)
    run = client.get_run(found["mlflow_run_id"])
    trained_by = artifacts.read_json(run_dir / "training" / "manifest.json")["mlflow_run_id"]
    assert run.data.tags["mlflow.parentRunId"] == trained_by
    assert run.data.params == {"evaluated": str(run_dir), "files": file}
    assert run.data.metrics["test/accuracy"] == found["metrics"]["accuracy"]["value"]
    assert score(run_dir, file, output=output) == found  # nothing is done twice
    experiment = "new data classify"
    listed = [each.name for each in compared.from_store([], experiment, recipe.tracking.uri)]
    assert listed == [run_dir.name]
    page = compare.compare([str(run_dir), str(output)], None, None, tmp_path / "page.html")
    assert page


def test_a_store_that_does_not_answer_is_told_later(job, tmp_path, monkeypatch):
    _, run_dir, _, file = job
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    output = tmp_path / "out"
    gone = score(run_dir, file, "tracking.uri=http://127.0.0.1:9", output=output)
    assert gone["mlflow_run_id"] is None
    assert gone["metrics"] == score(run_dir, file, output=output)["metrics"]
    assert score(run_dir, file, output=output)["mlflow_run_id"]


def test_what_it_refuses(job, tmp_path):
    _, run_dir, _, file = job
    model = new_data.find(str(run_dir))
    with pytest.raises(RecipeError, match="the model is trained already"):
        new_data.asked(model, [file], [], None, ["train.epochs=3"])
    with pytest.raises(RecipeError, match=r"reads 1 column\(s\), text in training; got a, b"):
        new_data.asked(model, [file], ["a", "b"], None, [])
    with pytest.raises(JobError, match="holds no evaluation"):
        score(run_dir, file, output=tmp_path)
    with pytest.raises(JobError, match="there is no trained run"):
        new_data.find(str(tmp_path / "no-such"))
    with pytest.raises(JobError, match=r"missing\.csv"):
        score(run_dir, str(tmp_path / "missing.csv"))
