"""A real learning curve in a real process: stopped, gone on with, and equal to single jobs."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

TEXTMILL = [sys.executable, "-m", "pipeline.cli"]
FILLERS = ["a", "the", "one", "two", "paint", "house"]
JOBS = [(40, 1), (40, 2), (120, 1), (120, 2), (150, 1)]


def rows(number, seed):
    draw = random.Random(seed)
    for _ in range(number):
        colour = draw.choice(["red", "green", "blue", "blue"])
        words = [*draw.choices(FILLERS, k=draw.randint(1, 6)), colour]
        yield " ".join(draw.sample(words, len(words))), colour


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    """(the folder, its facts, the process that went on); three sizes, two seeds and variants."""
    folder = tmp_path_factory.mktemp("curve")
    for name, number, seed in (("train", 160, 1), ("test", 80, 2)):
        with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *rows(number, seed)])
    (folder / "tiny.yaml").write_text(f"""
name: tiny
work: {folder}/work
data: {{train: {folder}/train.csv, valid: 0.2, test: {folder}/test.csv}}
task: {{kind: classify}}
model: {{kind: text_cnn, embedding: {{width: 8}}, filters: 4}}
train: {{epochs: 2, batch_size: 16, learning_rate: 0.01}}
evaluate: {{resamples: 100}}
tracking: {{uri: "sqlite:///{folder}/mlflow.db"}}
""")
    command = [*TEXTMILL, "learning-curve", str(folder / "tiny.yaml"), "--sizes", "40,120,150x1"]
    command += ["--seeds", "1,2", "--variant", "few", "--variant", "many:model.filters=16"]
    command += ["--at", "150:train.epochs=1", "--out", str(folder / "curve"), "--json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while "job 3 of 10" not in process.stderr.readline():
            assert process.poll() is None
        process.stderr.readline()  # the job's own first line
        process.send_signal(signal.SIGTERM)
        said = process.communicate()[1]
    assert process.returncode == 75, said
    kept = json.loads((folder / "curve" / "results.json").read_text())["jobs"]
    assert [(job["variant"], job["size"], job["seed"]) for job in kept] == [
        ("few", 40, 1),
        ("many", 40, 1),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1]), done


@pytest.mark.slow
def test_finished_jobs_are_not_done_again(curve):
    _, facts, done = curve
    assert done.stderr.count("has finished already") == 2
    assert "WARNING" not in done.stderr
    made = [(job["variant"], job["size"], job["seed"]) for job in facts["jobs"]]
    assert made == [(name, *job) for job in JOBS for name in ("few", "many")]


@pytest.mark.slow
def test_both_variants_see_the_same_samples(curve):
    folder, facts, _ = curve
    (samples,) = (folder / "work/learning_curve/tiny").glob("samples-*")
    for size, seed in JOBS:
        lines = (samples / f"{size}-{seed}.jsonl").read_text().splitlines()
        assert len(lines) == size
        manifests = [
            json.loads(Path(job["run_dir"], "training/manifest.json").read_text())
            for job in facts["jobs"]
            if (job["size"], job["seed"]) == (size, seed)
        ]
        assert manifests[0]["prepared"] == manifests[1]["prepared"]
        report = json.loads(Path(manifests[0]["prepared"], "manifest.json").read_text())
        splits = report["splits"]
        assert splits["train"]["examples"] + splits["valid"]["examples"] == size
        assert splits["test"]["examples"] == 80


@pytest.mark.slow
def test_means_and_differences_are_those_of_the_runs_answers(curve):
    folder, facts, done = curve
    right = {
        (job["variant"], job["size"], job["seed"]): pd.read_parquet(
            Path(job["run_dir"], "evaluation/predictions.parquet")
        ).correct.mean()
        for job in facts["jobs"]
    }
    for cell in facts["cells"]:
        values = [right[cell["variant"], *job] for job in JOBS if job[0] == cell["size"]]
        assert cell["value"] == pytest.approx(np.mean(values))
        if cell["seeds"] == 1:
            assert cell["deviation"] is None
            continue
        assert cell["deviation"] == pytest.approx(np.std(values, ddof=1))
        assert f"{100 * cell['value']:.1f} ± {100 * cell['deviation']:.1f}" in done.stdout
    for found in facts["comparisons"]:
        gains = [
            right["many", *job] - right["few", *job] for job in JOBS if job[0] == found["size"]
        ]
        assert found["value"] == pytest.approx(np.mean(gains))
    page = (folder / "curve/report.html").read_text()
    assert page.count("<svg") == 1
    assert "many" in page
    assert "2 seeds of 40, 2 seeds of 120, 1 seed of 150" in page
    assert "train.epochs=1" in page
    epochs = {
        job["size"]: len(json.loads(Path(job["run_dir"], "training/history.json").read_text()))
        for job in facts["jobs"]
    }
    assert epochs == {40: 2, 120: 2, 150: 1}
    assert (folder / "curve/curve.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.slow
def test_a_late_job_ends_with_the_weights_of_one_in_a_process_of_its_own(curve, tmp_path):
    run_dir = Path(curve[1]["jobs"][-1]["run_dir"])
    recipe = run_dir / "training" / "recipe.yaml"
    command = [*TEXTMILL, "train", str(recipe), "--set", f"work={tmp_path}", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    alone = Path(json.loads(done.stdout.splitlines()[-1])["run_dir"])
    assert alone.name == run_dir.name
    assert alone.parent != run_dir.parent
    name = "training/weights.safetensors"
    assert (alone / name).read_bytes() == (run_dir / name).read_bytes()
    shutil.rmtree(alone)


@pytest.mark.slow
def test_mlflow_has_the_curve_above_its_jobs(curve):
    folder, facts, _ = curve
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    run = client.get_run(facts["mlflow_run_id"])
    assert run.data.tags["kind"] == "learning_curve"
    experiment = client.get_experiment_by_name("tiny")
    assert run.info.experiment_id == experiment.experiment_id
    below = client.search_runs(
        [experiment.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'"
    )
    assert {each.info.run_id for each in below} == {job["mlflow_run_id"] for job in facts["jobs"]}
    history = client.get_metric_history(run.info.run_id, "many/accuracy")
    values = [cell["value"] for cell in facts["cells"] if cell["variant"] == "many"]
    assert [(metric.step, metric.value) for metric in history] == list(
        zip((40, 120, 150), values, strict=True)
    )
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert files == {"results.json", "curve.svg", "report.html"}
