"""A real SQLite store says what a run holds; a real process serves the registered model."""

import json
import logging
import os
import socket
import subprocess
import sys
import time

import httpx
import mlflow
import pytest
import yaml

from configs.recipe import Recipe
from pipeline import artifacts, tracking
from pipeline.errors import Interrupted, JobError
from pipeline.tracking import registry
from pipeline.tracking.store import connect, store_uri


@pytest.fixture
def recipe(mlflow_store, tmp_path):
    return make_recipe(tmp_path, tracking={"uri": mlflow_store, "experiment": "tracking-tests"})


def make_recipe(folder, **settings):
    settings = {
        "name": "tiny",
        "work": str(folder / "work"),
        "data": {"train": "samples/*.csv"},
        "task": {"kind": "classify"},
        "model": {"kind": "text_cnn"},
    } | settings
    return Recipe.model_validate(settings)


@pytest.fixture
def prepared(tmp_path):
    facts = {
        "splits": {"train": {"examples": 30}, "test": {"examples": 4}},
        "dead_letters": {"empty text": 2},
    }
    with artifacts.publish(tmp_path / "prepared", "0123456789abcdef", facts) as folder:
        (folder / "report.html").write_text("<p>data</p>")
    return tmp_path / "prepared"


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
    tags = found.data.tags
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
    link = json.loads((tmp_path / "run" / "mlflow.json").read_text())
    assert link == {"run_id": run.id, "tracking_uri": run.uri}


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
    run.client.delete_run(run.id)
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        ids.append(run.id)
    assert len(set(ids)) == 4


def test_later_stages_add_to_the_run(recipe, prepared, tmp_path):
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        pass
    for value in (0.8, 0.9):  # evaluated twice
        with tracking.reopen(tmp_path / "run") as again:
            again.metrics(0, {"test/accuracy": value})
            again.artifact(prepared, "evaluation")
    assert again.id == run.id
    assert stored(run).data.metrics["test/accuracy"] == 0.9
    files = mlflow.MlflowClient(run.uri).list_artifacts(run.id, "evaluation")
    assert {file.path for file in files} == {"evaluation/manifest.json", "evaluation/report.html"}
    with pytest.raises(JobError, match="nothing was trained there"), tracking.reopen(tmp_path):
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
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        run.client.delete_run(run.id)
        with caplog.at_level(logging.WARNING, "textmill"):
            run.metrics(1, {"loss": 3.0})
            run.flush()
            run.metrics(2, {"loss": 2.0})
            run.flush()
        assert sum("will try again" in message for message in caplog.messages) == 1
        run.client.restore_run(run.id)
        run.metrics(3, {"loss": 1.0})
    history = mlflow.MlflowClient(run.uri).get_metric_history(run.id, "loss")
    assert [m.step for m in history] == [1, 2, 3]


def test_values_longer_than_the_store_takes_are_cut(mlflow_store, prepared, tmp_path):
    files = [f"folder/part-{i:05d}.csv" for i in range(1000)]
    recipe = make_recipe(tmp_path, data={"train": files}, tracking={"uri": mlflow_store})
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        pass
    assert stored(run).data.params["data.train"].startswith('["folder/part-00000.csv", ')


def test_store_is_the_recipes_else_the_environments_else_in_the_work_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert store_uri(make_recipe(tmp_path)) == f"sqlite:///{tmp_path}/work/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert store_uri(make_recipe(tmp_path)) == "http://tracking:5000"
    recipe = make_recipe(tmp_path, tracking={"uri": "sqlite:///own.db"})
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
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """A SavedModel on raw strings that needs tensorflow_text's ops."""
    import tensorflow as tf
    import tensorflow_text

    class Counts(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
        def __call__(self, text):
            number = tensorflow_text.WhitespaceTokenizer().tokenize(text).row_lengths()
            return {"label": tf.where(number > 1, "länger", "kurz"), "score": number}

    model, folder = Counts(), tmp_path_factory.mktemp("export")
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.__call__})
    return folder


ANSWERS = [{"label": "länger", "score": 2}, {"label": "kurz", "score": 1}]


def test_the_registered_model_answers_raw_strings(recipe, prepared, tmp_path, export):
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        pass
    assert registry.log_model(recipe, tmp_path / "run", export) == "1"
    assert registry.log_model(recipe, tmp_path / "run", export) == "2"
    assert stored(run).info.status == "FINISHED"
    assert run.client.get_model_version_by_alias("tiny", "champion").version == 2
    model = mlflow.pyfunc.load_model("models:/tiny@champion")
    assert model.predict(["zwei Wörter", "ß"]) == ANSWERS
    assert model.predict([]) == []


@pytest.fixture(scope="module")
def pairs_export(tmp_path_factory):
    """How many bytes longer the second text is."""
    import tensorflow as tf

    class Longer(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2)
        def __call__(self, text, second):
            return {"value": tf.strings.length(second) - tf.strings.length(text)}

    model, folder = Longer(), tmp_path_factory.mktemp("pairs")
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.__call__})
    return folder


PAIRS = [{"text": "a", "second": "abc"}, {"second": "", "text": "abc"}]
PAIR_ANSWERS = [{"value": 2}, {"value": -3}]
PAIR_TASK = {"kind": "regress", "second": "other"}


def test_the_registered_model_of_pairs(mlflow_store, prepared, tmp_path, pairs_export):
    import pandas as pd

    tracked = {"uri": mlflow_store, "experiment": "tracking-tests", "register_as": "pairs"}
    recipe = make_recipe(tmp_path, task=PAIR_TASK, tracking=tracked)
    with tracking.open_run(recipe, tmp_path / "run", prepared):
        pass
    registry.log_model(recipe, tmp_path / "run", pairs_export)
    model = mlflow.pyfunc.load_model("models:/pairs@champion")
    for asked in (PAIRS, pd.DataFrame(PAIRS)):
        assert model.predict(asked) == PAIR_ANSWERS
    assert model.predict([]) == []
    with pytest.raises(mlflow.exceptions.MlflowException, match="second"):
        model.predict([{"text": "a"}])


def test_the_registered_tagger_answers_without_padding(mlflow_store, prepared, tmp_path):
    import tensorflow as tf

    class Letters(tf.Module):
        """A word's tag is itself; each but an `a` is a span."""

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def __call__(self, text):
            words = tf.strings.split(text)
            begins = tf.ragged.range(words.row_lengths())
            spans = words != "a"
            found = {
                "words": words, "tags": words, "begins": begins, "ends": begins + 1,
                "scores": tf.ones_like(begins),
                "span_labels": tf.ragged.boolean_mask(words, spans),
                "span_begins": tf.ragged.boolean_mask(begins, spans),
                "span_ends": tf.ragged.boolean_mask(begins + 1, spans),
            }  # fmt: skip
            return {k: v.to_tensor("" if v.dtype == tf.string else -1) for k, v in found.items()}

    model = Letters()
    tf.saved_model.save(model, str(tmp_path / "export"), {"serving_default": model.__call__})
    tracked = {"uri": mlflow_store, "experiment": "tracking-tests", "register_as": "letters"}
    recipe = make_recipe(tmp_path, tracking=tracked)
    with tracking.open_run(recipe, tmp_path / "run", prepared):
        pass
    registry.log_model(recipe, tmp_path / "run", tmp_path / "export")
    first, none, last = mlflow.pyfunc.load_model("models:/letters@champion").predict(
        ["a b", "", "c a c"]
    )
    assert (first["words"], first["span_labels"], first["span_begins"]) == (["a", "b"], ["b"], [1])
    assert set(map(len, none.values())) == {0}
    assert (last["ends"], last["span_ends"]) == ([1, 2, 3], [1, 3])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "task", "asked", "answers"),
    [
        ("export", {"kind": "classify"}, ["zwei Wörter", "ß"], ANSWERS),
        ("pairs_export", PAIR_TASK, PAIRS, PAIR_ANSWERS),
    ],
)
def test_mlflow_serves_the_registered_model(
    mlflow_store, prepared, tmp_path, request, folder, task, asked, answers
):
    export = request.getfixturevalue(folder)
    tracked = {"uri": mlflow_store, "experiment": "tracking-tests", "register_as": "served"}
    recipe = make_recipe(tmp_path, task=task, tracking=tracked)
    with tracking.open_run(recipe, tmp_path / "run", prepared):
        pass
    registry.log_model(recipe, tmp_path / "run", export)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    bin_folder = os.path.dirname(sys.executable)
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": mlflow_store,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
    }
    command = [f"{bin_folder}/mlflow", "models", "serve", "--model-uri", "models:/served@champion"]
    command += ["--env-manager", "local", "--port", str(port)]
    log = tmp_path / "serve.log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            command, env=environment, stdout=out, stderr=out, start_new_session=True
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            answer = eventually(lambda: httpx.get(f"{url}/ping"), process, log)
            assert answer.status_code == 200
            answer = httpx.post(f"{url}/invocations", json={"inputs": asked}, timeout=60)
            assert answer.json()["predictions"] == answers, answer.text
        finally:
            os.killpg(process.pid, 15)


def eventually(ask, process, log, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            return ask()
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError(f"no answer from the server:\n{log.read_text()[-3000:]}")
