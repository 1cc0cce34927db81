"""A real SQLite store says what the run of a job holds."""

import logging
import socket
import subprocess
import time

import mlflow
import pytest
import yaml
from small_recipe import small_recipe

from configs.recipe import Recipe
from pipeline import tracking
from pipeline.errors import Interrupted, JobError
from pipeline.tracking import link
from pipeline.tracking.store import connect, store_uri


def stored(run):
    return mlflow.MlflowClient(run.uri).get_run(run.id)


def test_run_holds_recipe_data_code_versions_and_metrics(recipe, prepared, tmp_path):
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        run.metrics(1, {"loss": 2.0, "train/accuracy": 0.5})
        run.metrics(2, {"loss": 1.0})
        run.tags({"device": "CPU"})
    found = stored(run)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "run")
    assert found.data.params["train.optimizer.kind"] == "adam"
    assert found.data.params["data.train"] == '["samples/*.csv"]'
    assert found.data.metrics["loss"] == 1.0
    assert found.data.metrics["examples/train"] == 30
    assert found.data.metrics["dead_letters/empty text"] == 2
    assert found.data.metrics["left_out"] == 0.05
    tags = found.data.tags
    assert tags["data.left_out"] == "5.0% of the records were left out, 2 of 40: 2 empty text."
    assert tags["data.fingerprint"] == "0123456789abcdef"
    assert tags["version.mlflow"] == mlflow.__version__
    assert tags["device"] == "CPU"
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    assert tags.get("mlflow.source.git.commit", "") == commit.stdout.strip()
    assert found.inputs.dataset_inputs[0].dataset.digest == "0123456789abcdef"
    client = mlflow.MlflowClient(run.uri)
    names = {item.path for item in client.list_artifacts(run.id)}
    assert {"recipe.yaml", "versions.txt", "data"} <= names
    text = mlflow.artifacts.load_text(f"{found.info.artifact_uri}/recipe.yaml")
    assert Recipe.model_validate(yaml.safe_load(text)) == recipe
    assert tags["data.dead_letters"] == "2: empty text"
    assert link.read(tmp_path / "run") == link.Link(run.id, run.uri, found.info.experiment_id)


def test_system_metrics(recipe, prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        time.sleep(0.7)
    assert stored(run).data.metrics["system/system_memory_usage_megabytes"] > 0


def run_that_stops(recipe, run_dir, prepared, error):
    """Log the loss of steps 1 to 7, then stop."""
    try:
        with tracking.open_run(recipe, run_dir, prepared) as run:
            for step in range(1, 8):
                run.metrics(step, {"loss": float(step)})
            raise error
    except type(error):
        return run


@pytest.mark.parametrize(
    ("error", "status"), [(Interrupted("SIGTERM"), "KILLED"), (JobError("loss"), "FAILED")]
)
def test_a_job_that_stopped_goes_on_in_its_run(recipe, prepared, tmp_path, error, status):
    first = run_that_stops(recipe, tmp_path / "run", prepared, error)
    assert stored(first).info.status == status
    with tracking.open_run(recipe, tmp_path / "run", prepared) as second:
        second.sender.finish()
        assert stored(second).info.status == "RUNNING"
        for step in range(5, 11):  # from the checkpoint at step 4
            second.metrics(step, {"loss": float(step)})
    assert second.id == first.id
    history = mlflow.MlflowClient(second.uri).get_metric_history(second.id, "loss")
    assert [(m.step, m.value) for m in history] == [(step, step) for step in range(1, 11)]
    assert stored(second).info.status == "FINISHED"


def test_a_finished_or_vanished_run_is_not_gone_on_with(recipe, prepared, tmp_path):
    ids = []
    for _ in range(2):
        with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
            ids.append(run.id)
    run = run_that_stops(recipe, tmp_path / "run", prepared, Interrupted())
    ids.append(run.id)
    mlflow.MlflowClient(run.uri).delete_run(run.id)
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        ids.append(run.id)
    assert len(set(ids)) == 4
    # What was logged before goes on in the new one.
    assert stored(run).data.metrics["loss"] == 7.0
    assert stored(run).data.params["task.kind"] == "classify"


def test_later_stages_add_to_the_run(recipe, prepared, tmp_path):
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        pass
    for value in (0.8, 0.9):  # evaluated twice
        with tracking.reopen(recipe, tmp_path / "run") as again:
            again.metrics(0, {"test/accuracy": value})
            again.artifact(prepared, "evaluation")
    assert again.id == run.id
    assert stored(run).data.metrics["test/accuracy"] == 0.9
    files = mlflow.MlflowClient(run.uri).list_artifacts(run.id, "evaluation")
    assert {file.path for file in files} == {"evaluation/manifest.json", "evaluation/report.html"}
    nothing = tracking.reopen(recipe, tmp_path)
    with pytest.raises(JobError, match="nothing was trained there"), nothing:
        pass


def test_logging_costs_a_step_less_than_a_millisecond(recipe, prepared, tmp_path):
    names = [f"metric {i}" for i in range(8)]
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        start = time.perf_counter()
        for step in range(1000):
            run.metrics(step, dict.fromkeys(names, 0.5))
        assert time.perf_counter() - start < 1.0
    history = mlflow.MlflowClient(run.uri).get_metric_history(run.id, names[-1])
    assert [m.step for m in history] == list(range(1000))


def test_a_store_that_fails_later_loses_nothing(recipe, prepared, tmp_path, caplog):
    """A deleted run takes no metrics until it is restored."""
    client = mlflow.MlflowClient(recipe.tracking.uri)
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        run.sender.finish()
        client.delete_run(run.id)
        with caplog.at_level(logging.WARNING, "textmill"):
            for step in (1, 2):
                run.metrics(step, {"loss": 4.0 - step})
                run.sender.finish()
        assert sum("is kept in" in message for message in caplog.messages) == 1
        client.restore_run(run.id)
        run.metrics(3, {"loss": 1.0})
    history = mlflow.MlflowClient(run.uri).get_metric_history(run.id, "loss")
    assert [m.step for m in history] == [1, 2, 3]


def test_values_longer_than_the_store_takes_are_cut(mlflow_store, prepared, tmp_path):
    files = [f"folder/part-{i:05d}.csv" for i in range(1000)]
    recipe = small_recipe(tmp_path, data={"train": files}, tracking={"uri": mlflow_store})
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        pass
    assert stored(run).data.params["data.train"].startswith('["folder/part-00000.csv", ')


def test_store_is_the_recipes_else_the_environments_else_in_the_work_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert store_uri(small_recipe(tmp_path)) == f"sqlite:///{tmp_path}/work/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert store_uri(small_recipe(tmp_path)) == "http://tracking:5000"
    recipe = small_recipe(tmp_path, tracking={"uri": "sqlite:///own.db"})
    assert store_uri(recipe) == "sqlite:///own.db"


def test_an_unreachable_store_stops_the_job_within_seconds(tmp_path):
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    start = time.monotonic()
    for uri in (
        f"http://127.0.0.1:{port}",
        f"sqlite:///{tmp_path}/file/mlflow.db",
        f"sqlite:///{tmp_path}",
        str(tmp_path / "mlruns"),
    ):
        with pytest.raises(JobError, match=r"cannot be used .*MLFLOW_TRACKING_URI"):
            connect(uri)
    assert time.monotonic() - start < 10
