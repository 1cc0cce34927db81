"""Jobs with groups that thaw, own rates and a mean of weights: resumed, and on replicas."""

import shutil

import mlflow
import numpy as np
import pytest
from outcomes import TWO_REPLICAS, assert_same_bits, history, losses
from safetensors.numpy import load_file

from pipeline import artifacts

# 13 steps an epoch and three groups; high rates, so that validation soon gets worse.
FINE_TUNING = [
    "train.epochs=4",
    "train.gradual_unfreezing=true",
    "train.discriminative=2.6",
    "train.schedule={kind: slanted_triangular}",
    "train.optimizer={kind: adam, weight_decay: 0.01}",
    "train.learning_rate=0.3",
    "train.averaging={patience: 1}",
    "train.metric=loss",
    "train.validate_every=4",
]


@pytest.fixture(scope="module")
def tracked(mlflow_store):
    return f"tracking.uri={mlflow_store}"


@pytest.fixture(scope="module")
def whole(train_here, tracked, tmp_path_factory):
    """A job that nobody stopped, with all its checkpoints."""
    work = tmp_path_factory.mktemp("whole")
    return train_here(work, *FINE_TUNING, "train.save_every=3", "train.keep=1000", tracked)


def steps(run_dir):
    """Of its checkpoints."""
    return [int(path.name[5:]) for path in sorted((run_dir / "checkpoints").iterdir())]


def averaged(run_dir, step):
    """How many weights are in the mean, at a checkpoint."""
    folder = run_dir / "checkpoints" / f"step-{step:08d}"
    return int(load_file(folder / "variables.safetensors")["averaged"])


def test_the_mean_begins_on_the_way(whole):
    numbers = [averaged(whole, step) for step in steps(whole)]
    assert numbers[0] == 0
    begun = next(step for step, number in zip(steps(whole), numbers, strict=True) if number)
    assert begun < 40
    assert numbers[-1] == 1 + steps(whole)[-1] - begun


def test_what_is_published_is_the_mean_of_the_best_validation(whole):
    best = artifacts.manifest(whole / "training")["best_step"]
    saved = load_file(whole / "checkpoints" / f"step-{best:08d}" / "variables.safetensors")
    before = "average/" if averaged(whole, best) else ""
    for path, value in load_file(whole / "training" / "weights.safetensors").items():
        np.testing.assert_array_equal(value, saved[before + path])


@pytest.mark.slow
@pytest.mark.parametrize("place", ["in the second epoch", "at the third", "near the end"])
def test_a_job_goes_on_from_any_step_to_the_same_bits(
    train_here, tracked, whole, tmp_path, caplog, place
):
    border = next(row["step"] for row in history(whole) if row["epoch"] == 2)
    step = {"in the second epoch": 18, "at the third": border, "near the end": 48}[place]
    assert border / 2 < 18 < border < 48 < steps(whole)[-1]
    checkpoints = tmp_path / "runs" / whole.name / "checkpoints"
    for name in {f"step-{step:08d}", *bests(whole, step)}:
        shutil.copytree(whole / "checkpoints" / name, checkpoints / name)
    with caplog.at_level("INFO", "textmill"):
        again = train_here(tmp_path, *FINE_TUNING, tracked)
    assert f"going on from step {step}" in caplog.text
    assert_same_bits(again, whole)


def bests(run_dir, step):
    """The checkpoint that was the best one up to a step."""
    rows = [row for row in history(run_dir) if row["step"] <= step]
    return [f"step-{min(rows, key=lambda row: row['valid_loss'])['step']:08d}"] if rows else []


@pytest.mark.slow
def test_two_replicas_are_one_device(train, train_here, tracked, tmp_path):
    settings = [*FINE_TUNING, "model.dropout=0", "train.learning_rate=0.1", tracked]
    one, two = (
        train_here(tmp_path / "one", *settings),
        train(tmp_path / "two", *settings, TWO_REPLICAS),
    )
    assert averaged(one, steps(one)[-1]) == averaged(two, steps(two)[-1]) > 1
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    valid = [[row["valid_loss"] for row in history(run_dir)] for run_dir in (one, two)]
    assert valid[1] == pytest.approx(valid[0], abs=1e-5)


def test_the_rates_of_the_highest_and_the_lowest_group_are_curves(whole, mlflow_store):
    facts = artifacts.manifest(whole / "training")
    client = mlflow.MlflowClient(mlflow_store)
    highest, lowest = (
        [point.value for point in client.get_metric_history(facts["mlflow_run_id"], name)]
        for name in ("train/learning_rate", "train/learning_rate_lowest")
    )
    assert len(highest) > 5
    assert lowest == pytest.approx(np.array(highest) / 2.6**2, rel=1e-5)
