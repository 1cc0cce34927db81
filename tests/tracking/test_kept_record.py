"""What a store has not taken is kept, and comes to it once; one that lost it is told again."""

import json
import logging
import shutil
import socket

import mlflow
import pytest
from small_recipe import small_recipe

from configs import loading
from pipeline import tracking
from pipeline.errors import Interrupted, JobError
from pipeline.tracking import link
from pipeline.tracking.journal import JOURNAL, SENT, Journal
from pipeline.tracking.sync import sync


@pytest.fixture
def store_of_work(mlflow_store, prepared, tmp_path):
    """A function of a name that copies an empty store to where a recipe of it has its own."""

    def of(name, **settings):
        work = tmp_path / name
        work.mkdir()
        shutil.copy(mlflow_store.removeprefix("sqlite:///"), work / "mlflow.db")
        return small_recipe(tmp_path, name=name, work=str(work), **settings)

    with tracking.open_run(
        small_recipe(tmp_path, name="first", tracking={"uri": mlflow_store}),
        tmp_path / "first" / "runs" / "first-0",
        prepared,
    ):
        pass  # so that the store has its tables
    return of


def trained(recipe, prepared, error=None):
    """A run's folder, whose job logged the loss of steps 1 to 3 and then ended, or stopped."""
    run_dir = prepared.parent / recipe.name / "runs" / f"{recipe.name}-12345678"
    try:
        with tracking.open_run(recipe, run_dir, prepared) as run:
            for step in (1, 2, 3):
                run.metrics(step, {"loss": step / 2, "valid/f1?": 0.5})
            if error:
                raise error
    except Interrupted:
        return run_dir
    (run_dir / "training").mkdir()
    (run_dir / "training" / "recipe.yaml").write_text(loading.dump(recipe), encoding="utf-8")
    return run_dir


def history(run_dir, metric="loss"):
    found = link.read(run_dir)
    points = mlflow.MlflowClient(found.uri).get_metric_history(found.run_id, metric)
    return [(point.step, point.value) for point in points]


LOSSES = [(1, 0.5), (2, 1.0), (3, 1.5)]


def test_what_was_sent_already_is_not_there_twice(store_of_work, prepared):
    run_dir = trained(store_of_work("again"), prepared)
    assert Journal(run_dir).waiting(link.read(run_dir).run_id) == 0
    (run_dir / SENT).unlink()  # as after a kill between sending and noting it
    assert sync(run_dir)[run_dir.name] > 5
    assert history(run_dir) == LOSSES
    assert sync(run_dir) == {run_dir.name: 0}


def test_a_line_that_a_killed_job_left_unfinished_costs_itself_alone(tmp_path):
    journal = Journal(tmp_path)
    journal.add({"tags": {"a": "1"}})
    with (tmp_path / JOURNAL).open("a") as file:
        file.write('{"tags": {"b"')
    assert len(list(journal.messages())) == 1
    journal.add({"tags": {"c": "ü\n"}})
    assert [message["tags"] for message, _ in journal.messages()] == [{"a": "1"}, {"c": "ü\n"}]
    (tmp_path / SENT).write_text("")  # the disk was full
    assert journal.waiting("any") == 2


def test_a_store_that_lost_its_runs_is_told_all_again(
    store_of_work, mlflow_store, prepared, caplog
):
    recipe = store_of_work("lost")
    run_dir = trained(recipe, prepared)
    before = link.read(run_dir).run_id
    shutil.copy(mlflow_store.removeprefix("sqlite:///"), f"{recipe.work}/mlflow.db")
    with caplog.at_level(logging.INFO, "textmill"), tracking.reopen(recipe, run_dir) as run:
        run.metrics(0, {"test/accuracy": 0.9})
    assert run.id != before
    assert f"has no run {before}" in caplog.text
    found = mlflow.MlflowClient(run.uri).get_run(run.id)
    assert (found.info.status, found.data.params["task.kind"]) == ("FINISHED", "classify")
    assert found.data.metrics["test/accuracy"] == 0.9
    assert (history(run_dir), history(run_dir, "valid/f1_")[-1]) == (LOSSES, (3, 0.5))


def test_a_copied_work_folder_has_its_own_record(store_of_work, prepared, tmp_path, monkeypatch):
    recipe = store_of_work("work")
    run_dir = trained(recipe, prepared)
    shutil.copytree(recipe.work, tmp_path / "copy")
    copied = tmp_path / "copy" / "runs" / run_dir.name
    (run_dir / "note.txt").write_text("original")
    (copied / "note.txt").write_text("copied")
    for work, folder in ((recipe.work, run_dir), (str(tmp_path / "copy"), copied)):
        # MLflow remembers in a process where each run has its artefacts.
        monkeypatch.setattr("mlflow.tracking._tracking_service.utils._artifact_repos_cache", {})
        with tracking.reopen(recipe.model_copy(update={"work": work}), folder) as run:
            run.artifact(folder / "note.txt")
        assert run.uri == f"sqlite:///{work}/mlflow.db"
    for folder, said in ((run_dir, "original"), (copied, "copied")):
        found = link.read(folder)
        assert found.run_id == link.read(run_dir).run_id
        info = mlflow.MlflowClient(found.uri).get_run(found.run_id).info
        assert mlflow.artifacts.load_text(f"{info.artifact_uri}/note.txt") == said


def test_links_of_earlier_versions_are_read(store_of_work, prepared, tmp_path):
    """They have the whole path of the store, and there is no journal."""
    recipe = store_of_work("old")
    run_dir = trained(recipe, prepared)
    for name in (JOURNAL, SENT):
        (run_dir / name).unlink()
    said = {"run_id": link.read(run_dir).run_id, "tracking_uri": "sqlite:////gone/mlflow.db"}
    (run_dir / link.LINK).write_text(json.dumps(said))
    with tracking.reopen(recipe, run_dir) as run:
        run.metrics(0, {"test/accuracy": 0.9})
    assert run.id == said["run_id"]
    written = json.loads((run_dir / link.LINK).read_text())
    assert written["tracking_uri"] == "sqlite:///../../mlflow.db"


def test_a_job_goes_on_while_its_store_is_down(store_of_work, prepared, caplog):
    """What it says then is sent by the next command that the store answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    recipe = store_of_work("down")
    run_dir = trained(recipe, prepared, Interrupted("SIGTERM"))
    known = link.read(run_dir)
    server = recipe.model_copy(
        update={"tracking": recipe.tracking.model_copy(update={"uri": f"http://127.0.0.1:{port}"})}
    )
    link.write(run_dir, link.Link(known.run_id, server.tracking.uri, known.experiment_id))
    with tracking.open_run(server, run_dir, prepared) as run:
        run.metrics(2, {"loss": 1.0})  # from the checkpoint at step 1
        run.metrics(4, {"loss": 2.0})
    assert f"`textmill sync {run_dir}` sends them" in caplog.text
    link.write(run_dir, link.Link("0" * 32, server.tracking.uri, known.experiment_id))
    with pytest.raises(JobError, match=rf"127.0.0.1:{port} cannot be used"):
        sync(run_dir)
    link.write(run_dir, known)  # as if the server came back, with what it had
    sync(run_dir)
    assert history(run_dir) == [*LOSSES, (4, 2.0)]
    assert mlflow.MlflowClient(known.uri).get_run(known.run_id).info.status == "FINISHED"


def test_what_a_store_refuses_does_not_hold_up_the_rest(store_of_work, prepared, caplog):
    recipe = store_of_work("refused")
    run_dir = trained(recipe, prepared)
    with tracking.reopen(recipe, run_dir) as run:
        run.artifact(run_dir / "nothing")
        run.metrics(9, {"loss": 9.0})
    assert "no longer there): left out" in caplog.text
    assert history(run_dir)[-1] == (9, 9.0)


def test_sync_names_what_is_no_run(tmp_path):
    with pytest.raises(JobError, match="is no run and no work folder"):
        sync(tmp_path)
