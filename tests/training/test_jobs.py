"""Whole training jobs, each a process of its own: devices, workers, resuming, and how they end."""

import json
import random
import shutil
import signal

import numpy as np
import pytest
from outcomes import (
    TWO_REPLICAS,
    assert_same_bits,
    finish,
    history,
    killed_and_resumed,
    losses,
    start_workers,
    train_on_workers,
    wait_for_step,
    weights,
)

from pipeline.errors import JobError
from pipeline.training import train as trainer

NO_DROPOUT = "model.dropout=0"
LONGER = ["train.epochs=6", "train.ema=0.9", "train.schedule={kind: cosine, warmup: 0.1}"]


@pytest.fixture(scope="module")
def one_device(train_here, tmp_path_factory):
    return train_here(tmp_path_factory.mktemp("one"), NO_DROPOUT)


@pytest.fixture(scope="module")
def whole(train, tmp_path_factory):
    """A longer job that nobody stopped."""
    return train(tmp_path_factory.mktemp("whole"), *LONGER)


def test_it_learns(one_device):
    first, *_, last = history(one_device)
    assert last["train_loss"] < first["train_loss"] / 2
    assert last["valid_accuracy"] > 0.5


def test_training_loss_is_that_since_the_last_validation(train_here, prepared, tmp_path):
    examples = json.loads((prepared / "report.json").read_text())["splits"]["train"]["examples"]
    size = max(n for n in range(1, 65) if examples % n == 0)  # no batch is smaller than others
    settings = [NO_DROPOUT, "train.epochs=1", f"train.batch_size={size}"]
    (whole,) = losses(train_here(tmp_path / "whole", *settings))
    each = losses(train_here(tmp_path / "each", *settings, "train.validate_every=1"))
    assert len(set(each)) == len(each) == examples // size
    assert np.mean(each) == pytest.approx(whole, abs=1e-6)


def test_two_replicas_give_the_loss_of_one_device(train, one_device, tmp_path):
    settings = [NO_DROPOUT, TWO_REPLICAS, "train.accumulation=2"]
    assert losses(train(tmp_path, *settings)) == pytest.approx(losses(one_device), abs=1e-6)


@pytest.mark.slow
def test_clipping_is_of_the_whole_batch_under_replicas(train, train_here, tmp_path):
    settings = [NO_DROPOUT, "train.clip_norm=0.05", "train.optimizer={kind: sgd}"]
    settings.append("train.learning_rate=1.0")
    one = losses(train_here(tmp_path / "one", *settings))
    two = losses(train(tmp_path / "two", *settings, TWO_REPLICAS))
    assert two == pytest.approx(one, abs=1e-6)


@pytest.mark.slow
def test_replicas_drop_as_parts_of_a_batch_on_one_device_do(train, train_here, tmp_path):
    """`test_step` shows that the parts of a batch drop different units."""
    parts = train_here(tmp_path / "one", "train.accumulation=2")
    replicas = train(tmp_path / "two", TWO_REPLICAS)
    assert losses(replicas) == pytest.approx(losses(parts), abs=1e-6)


@pytest.mark.slow
def test_two_workers_give_the_loss_of_one_device(start, one_device, tmp_path):
    run_dir = train_on_workers(start, tmp_path, NO_DROPOUT)
    assert losses(run_dir) == pytest.approx(losses(one_device), abs=1e-6)


@pytest.mark.parametrize(
    "strategy", [[], pytest.param([TWO_REPLICAS], marks=pytest.mark.slow)], ids=["one", "two"]
)
def test_a_killed_job_ends_with_the_same_bits(start, train, whole, tmp_path, strategy):
    settings = [*LONGER, *strategy]
    uninterrupted = train(tmp_path / "whole", *settings) if strategy else whole
    steps = [random.randint(5, 50), random.randint(5, 50)]
    again = killed_and_resumed(start, train, tmp_path / "killed", steps, *settings)
    assert_same_bits(again, uninterrupted)


@pytest.mark.slow
def test_sigterm_saves_and_has_a_status_of_its_own(start, train, whole, tmp_path):
    process = start(tmp_path / "stopped", *LONGER, "train.save_every=1000")
    wait_for_step(process, tmp_path / "stopped", 13)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert "goes on" in err
    assert weights(train(tmp_path / "stopped", *LONGER, "train.save_every=1000")) == weights(whole)


@pytest.mark.slow
def test_sigterm_to_one_worker_stops_both_and_both_go_on(start, train, tmp_path):
    whole = train(tmp_path / "whole", *LONGER, NO_DROPOUT)
    processes = start_workers(start, tmp_path / "two", *LONGER, NO_DROPOUT)
    wait_for_step(processes[0], tmp_path / "two", 13)
    processes[1].send_signal(signal.SIGTERM)
    statuses, ended = finish(processes)
    assert statuses == [75, 75], ended
    again = train_on_workers(start, tmp_path / "two", *LONGER, NO_DROPOUT)
    assert losses(again) == pytest.approx(losses(whole), abs=1e-6)


@pytest.mark.slow
def test_a_truncated_checkpoint_is_passed_over(start, whole, tmp_path):
    process = start(tmp_path / "cut", *LONGER)
    wait_for_step(process, tmp_path / "cut", 20)
    process.kill()
    process.communicate()
    *_, newest = sorted(tmp_path.glob("cut/runs/*/checkpoints/step-????????"))
    variables = newest / "variables.safetensors"
    variables.write_bytes(variables.read_bytes()[:1000])
    process = start(tmp_path / "cut", *LONGER)
    _, err = process.communicate(timeout=300)
    assert "damaged" in err
    assert weights(next((tmp_path / "cut" / "runs").iterdir())) == weights(whole)


def test_a_loss_that_is_not_finite_stops_the_job_and_keeps_the_batch(train_here, tmp_path):
    with pytest.raises(JobError, match="training stopped") as caught:
        train_here(tmp_path, "train.learning_rate=1.0e+30", "model.max_norm=null")
    (path,) = tmp_path.glob("runs/*/not_finite/*.json")
    assert str(path) in str(caught.value)
    saved = json.loads(path.read_text())
    assert len(saved["examples"]) == 32
    assert saved["examples"][0]["text"]
    assert not list(tmp_path.glob("runs/*/training"))


def test_data_that_changed_since_it_was_prepared_is_refused(recipe, prepared, tmp_path):
    changed = shutil.copytree(prepared, tmp_path / prepared.name)
    (shard,) = changed.glob("train-*.tfrecord")
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(content)
    with pytest.raises(JobError, match=shard.name):
        trainer.train(recipe.model_copy(update={"work": str(tmp_path)}), changed)
    assert not list(tmp_path.glob("runs/*/checkpoints"))


def test_keeps_the_newest_and_the_best(one_device):
    kept = sorted(path.name for path in (one_device / "checkpoints").iterdir())
    best = json.loads((one_device / "training" / "manifest.json").read_text())["best_step"]
    assert f"step-{best:08d}" in kept
    assert len(kept) in (2, 3)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_learns_as_well(train_here, one_device, tmp_path, precision):
    run_dir = train_here(tmp_path, NO_DROPOUT, f"train.precision={precision}")
    assert losses(run_dir) == pytest.approx(losses(one_device), abs=0.05)


@pytest.mark.slow
def test_xla_gives_the_same_loss(train_here, one_device, tmp_path):
    assert losses(train_here(tmp_path, NO_DROPOUT, "train.xla=true")) == pytest.approx(
        losses(one_device), abs=1e-4
    )


def test_early_stopping_takes_the_best_validation(train_here, tmp_path):
    settings = ["train.epochs=30", "train.learning_rate=0.03", "train.early_stopping.patience=2"]
    rows = history(train_here(tmp_path, *settings))
    assert len(rows) < 30
    best = max(range(len(rows)), key=lambda i: rows[i]["valid_accuracy"])
    assert len(rows) - 1 - best == 2


def test_balanced_class_weights_and_token_batches(train_here, tmp_path):
    settings = ["task.class_weights=balanced", "train.batch_size=null", "train.batch_tokens=400"]
    rows = history(train_here(tmp_path, *settings))
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
