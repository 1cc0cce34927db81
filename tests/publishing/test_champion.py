"""Which of several registered runs is champion, by answers whose difference is known."""

import numpy as np
import pandas as pd
import pytest

from configs.recipe import Recipe
from pipeline import artifacts
from pipeline.evaluation import paired
from pipeline.publishing import champion
from pipeline.tracking import store

N = 100
GOOD = np.arange(N) < 90
AS_GOOD = (np.arange(N) >= 4) & (np.arange(N) < 92)  # 2 others right and 4 others wrong
WORSE = np.arange(N) < 75


@pytest.fixture
def registered(mlflow_store, tmp_path, request):
    """A function that registers a run with these answers; returns what was decided and who it is.

    Args: right, of each example; beaten, whether a baseline is ahead.
    """
    client = store.connect(mlflow_store)
    name = request.node.name.replace("[", ".").strip("]")
    experiment = client.create_experiment(name, (tmp_path / "artifacts").as_uri())
    client.create_registered_model(name)

    def register(right, beaten=False, examples=None, labels=None, **tracking):
        run = client.create_run(experiment)
        folder = tmp_path / run.info.run_id
        link = {"run_id": run.info.run_id, "tracking_uri": mlflow_store}
        write_run(folder, link, right, beaten, examples, labels)
        client.log_artifacts(run.info.run_id, str(folder / "evaluation"), "evaluation")
        client.log_artifact(run.info.run_id, str(folder / "training" / "recipe.yaml"))
        recipe = Recipe.model_validate(
            {
                "name": name,
                "data": {"train": "a.csv"},
                "task": {"kind": "classify"},
                "model": {"kind": "text_cnn"},
                "tracking": {"uri": mlflow_store, **tracking},
            }
        )
        decision = champion.decide(recipe, folder)
        version = client.create_model_version(name, str(folder), run.info.run_id).version
        found = champion.settle(recipe, folder, version, decision)
        tags = client.get_model_version(name, version).tags
        assert tags["champion"] == found["words"]
        holder = client.get_registered_model(name).aliases.get("champion")
        return found, holder and str(holder), tags

    return register


def write_run(folder, link, right, beaten, examples, labels):
    """What `champion` reads of an evaluated run."""
    (folder / "evaluation").mkdir(parents=True)
    (folder / "training").mkdir()
    artifacts.write_json(folder / "mlflow.json", link)
    (folder / "training" / "recipe.yaml").write_text("name: a\n")
    ahead = [1.0 if beaten else 0.0] * 50
    report = {
        "model": "text_cnn",
        "task": "classify",
        "split": "test",
        "score": "accuracy",
        "metrics": {"accuracy": {"value": float(np.mean(right)), "n": len(right)}},
        "baselines": [
            {"baseline": "linear", "against": paired.right(np.zeros(50, bool), np.array(ahead))}
        ],
    }
    artifacts.write_json(folder / "evaluation" / "report.json", report)
    table = {
        "example": [f"e{i}" for i in (range(len(right)) if examples is None else examples)],
        "label": labels or ["a"] * len(right),
        "correct": right,
    }
    pd.DataFrame(table).to_parquet(folder / "evaluation" / "predictions.parquet")


def test_only_a_model_that_is_not_worse_takes_the_place(registered):
    found, holder, _ = registered(GOOD)
    assert (found["moves"], holder) == (True, "1")
    assert "this model becomes champion: it is the first" in found["words"]
    found, holder, _ = registered(WORSE)
    assert (found["moves"], holder) == (False, "1")
    # 15 examples that only one has right.
    assert found["words"].startswith("version 1 stays champion: this model is worse by 15.0 points")
    assert "of accuracy (" in found["words"]
    assert "p < 0.001, on the 100 test texts that both have" in found["words"]
    found, holder, _ = registered(AS_GOOD)
    assert (found["moves"], holder) == (True, "3")
    assert "in place of version 1: it is not significantly worse, ahead by -2.0" in found["words"]


def test_what_a_baseline_beats_is_never_champion_unless_the_recipe_says_so(registered):
    found, holder, tags = registered(GOOD, beaten=True)
    assert (found["moves"], holder) == (False, None)
    assert "the baseline TF-IDF + logistic regression is ahead of the text CNN" in found["words"]
    assert tags["verdict"] in found["words"]
    assert registered(GOOD, beaten=True, promote="always")[1] == "2"
    assert registered(GOOD, promote="never")[1] == "2"


def test_runs_are_compared_on_what_both_tests_have(registered):
    registered(GOOD)
    # Of the first 60 of the champion's examples it has 30 wrong, and all of the new ones right.
    examples = [*range(60), *range(1000, 1040)]
    right = np.arange(N) >= 30
    found, holder, _ = registered(right, examples=examples)
    assert (found["moves"], holder) == (False, "1")
    assert "on the 60 test texts that both have" in found["words"]


@pytest.mark.parametrize("differ", ["examples", "labels"])
def test_of_tests_with_too_little_in_common_the_champion_stays(registered, differ):
    registered(GOOD)
    others = {"examples": range(60, 160), "labels": ["a"] * 40 + ["b"] * 60}[differ]
    found, holder, _ = registered(np.ones(N, bool), **{differ: others})
    assert (found["moves"], holder) == (False, "1")
    assert "40 of this model's 100 test texts are among the champion's 100" in found["words"]
    assert registered(np.ones(N, bool), **{differ: others}, promote="always")[1] == "3"
