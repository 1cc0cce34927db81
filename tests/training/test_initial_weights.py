"""Jobs that start from earlier ones: which weights go over, which not, and what is refused."""

import json

import numpy as np
import pytest
from outcomes import TWO_REPLICAS, losses, weights
from safetensors.numpy import load_file

from pipeline import finding_runs
from pipeline.training.job import Job

ONE_STEP = ["train.max_steps=1", "train.learning_rate=1e-12"]


def trained(run_dir):
    return load_file(run_dir / "training" / "weights.safetensors")


def started(run_dir):
    manifest = json.loads((run_dir / "training" / "manifest.json").read_text())
    return manifest["initial_weights"]


@pytest.fixture(scope="module")
def first(train_here, tmp_path_factory):
    return train_here(tmp_path_factory.mktemp("first"), "train.epochs=1")


def test_a_run_goes_on_as_it_was(train_here, first, tmp_path):
    again = train_here(tmp_path, f"init_from={first}", *ONE_STEP)
    for path, value in trained(again).items():
        np.testing.assert_allclose(value, trained(first)[path], atol=1e-9, err_msg=path)
    assert started(again)["init_from.new"] == "none"
    words = len((finding_runs.prepared(first) / "tokenizer/vocabulary.txt").read_text().split())
    expected = f"{words - 5:,} of {words - 5:,} words, 100.0% of the running words"
    assert started(again)["init_from.vocabulary"] == expected


def test_a_name_is_the_newest_finished_run(train_here, first, tmp_path):
    name = str(first)[: -len("-12345678")]
    again = train_here(tmp_path, f"init_from={name}", *ONE_STEP)
    assert started(again)["init_from"] == str(first)


def test_other_weights_behind_a_name_are_another_run(train_here, first, tmp_path):
    again = train_here(tmp_path, f"init_from={first}", *ONE_STEP)
    other = train_here(tmp_path, f"init_from={again}", *ONE_STEP)
    plain = train_here(tmp_path, *ONE_STEP)
    assert len({again, other, plain}) == 3


def test_a_job_that_goes_on_still_says_how_it_began(train_here, first, tmp_path, monkeypatch):
    settings = [f"init_from={first}", "train.max_steps=2"]
    whole = train_here(tmp_path / "whole", *settings)
    with monkeypatch.context() as stopped:
        stopped.setattr(Job, "publish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train_here(tmp_path / "stopped", *settings)
    again = train_here(tmp_path / "stopped", *settings)
    assert started(again) == started(whole)
    assert weights(again) == weights(whole)


@pytest.mark.slow
def test_replicas_start_with_the_same_weights(train, train_here, first, tmp_path):
    settings = [f"init_from={first}", "model.dropout=0", "train.epochs=1"]
    two = train(tmp_path / "two", *settings, TWO_REPLICAS)
    assert losses(two) == pytest.approx(losses(train_here(tmp_path / "one", *settings)), abs=1e-6)
