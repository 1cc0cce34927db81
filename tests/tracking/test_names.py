"""Names are checked by MLflow itself."""

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils import validation
from pydantic import ValidationError
from small_recipe import small_recipe

from configs.loading import RecipeError
from pipeline import artifacts, tracking
from pipeline.errors import JobError
from pipeline.tracking.names import accepted
from pipeline.tracking.store import connect

REASON = "a tag is not O, B-x, ...: should task.scheme be plain?"


NAMES = st.text(max_size=300) | st.text("./ a?!", max_size=6) | st.text("/a", min_size=249)


@given(st.dictionaries(NAMES, st.none()))
def test_mlflow_takes_every_name_and_loses_none(values):
    found = accepted(values)
    assert len(found) == len(values)
    for name in found:
        validation._validate_metric_name(name)
        assert len(name) <= validation.MAX_ENTITY_KEY_LENGTH


def test_a_good_name_stays():
    names = ["test/accuracy/low", "system/cpu_utilization_percentage", "epoch 2: f-1.0 für ü"]
    assert list(accepted(dict.fromkeys(names))) == names


def test_reasons_of_dead_letters_are_counted_and_stand_whole(recipe, prepared, tmp_path):
    manifest = artifacts.read_json(prepared / "manifest.json")
    manifest["dead_letters"] = {REASON: 1, "empty text": 1200}
    artifacts.write_json(prepared / "manifest.json", manifest)
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        pass
    data = run.client.get_run(run.id).data
    name = "dead_letters/a tag is not O_ B-x_ ...: should task.scheme be plain_"
    assert (data.metrics[name], data.metrics["dead_letters/empty text"]) == (1, 1200)
    assert data.tags["data.dead_letters"] == f"1: {REASON}; 1,200: empty text"


def test_a_deleted_experiment_says_how_to_restore_it(mlflow_store, prepared, tmp_path):
    client = connect(mlflow_store)
    number = client.create_experiment("deleted", tmp_path.as_uri())
    client.delete_experiment(number)
    recipe = small_recipe(tmp_path, name="deleted", tracking={"uri": mlflow_store})
    said = rf"'deleted' is deleted.*restore --experiment-id {number}.*tracking\.experiment"
    with pytest.raises(JobError, match=said), tracking.open_run(recipe, tmp_path / "r", prepared):
        pass


def test_one_experiment_holds_one_task_unless_the_recipe_names_it(mlflow_store, prepared, tmp_path):
    def train(kind, **settings):
        store = {"uri": mlflow_store, **settings}
        recipe = small_recipe(tmp_path, name="train", task={"kind": kind}, tracking=store)
        with tracking.open_run(recipe, tmp_path / kind, prepared) as run:
            return run

    first = train("classify")
    with pytest.raises(RecipeError, match="has runs of task 'classify', and this recipe's is 'reg"):
        train("regress")
    second = train("regress", experiment="train")
    assert first.link.experiment_id == second.link.experiment_id
    first.client.create_registered_model("train")
    first.client.create_model_version("train", str(tmp_path), first.id)
    with pytest.raises(RecipeError, match=r"model 'train' is of task 'classify'.*register_as"):
        train("multilabel", experiment="train")
    assert train("multilabel", experiment="train", register_as="other").id


@pytest.mark.parametrize("wrong", [{"register_as": "a/b"}, {"alias": "v3"}, {"alias": "Latest"}])
def test_what_the_registry_does_not_take_is_refused_before_training(tmp_path, wrong):
    with pytest.raises(ValidationError):
        small_recipe(tmp_path, tracking=wrong)


def test_the_address_of_a_run_shows_runs(recipe, prepared, tmp_path):
    with tracking.open_run(recipe, tmp_path / "run", prepared) as run:
        pass
    info = mlflow.MlflowClient(run.uri).get_run(run.id).info
    place = f"/#/experiments/{info.experiment_id}/runs/{run.id}?workflowType=machine_learning"
    assert run.link.page == place
