"""Whole jobs of a language model that carries its state: devices, workers, resuming."""

import random
import time
from functools import partial
from pathlib import Path

import outcomes
import pytest
import yaml
from outcomes import finish, history, losses, start_workers, wait_for_step, weights

from configs.loading import load
from pipeline.prepare import prepare
from pipeline.training.train import train as train_here

NOVEL = Path(__file__).parents[2] / "samples/novels/the_time_machine.txt"
TWO_REPLICAS = "train.strategy={kind: mirrored, replicas: 2}"
NO_CHANCE = ["model.dropout=0", "model.softmax=full"]
# Windows of random lengths, and the mean of the weights once validation is worse.
NT_ASGD = [
    "train.vary_window=true",
    "train.averaging={patience: 1}",
    "train.validate_every=3",
    "train.optimizer={kind: sgd, weight_decay: 1.2e-6}",
    "train.learning_rate=20.0",
]


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    """Paragraphs as documents, so that texts begin in the middle of windows too."""
    folder = tmp_path_factory.mktemp("language")
    lines = NOVEL.read_text(encoding="utf-8").split("\n")
    (folder / "novel.txt").write_text("\n".join(lines[:50]), encoding="utf-8")
    recipe = {
        "name": "small",
        "work": str(folder / "work"),
        "data": {"train": str(folder / "novel.txt"), "valid": 0.15},
        "text": {"lower": False},
        "task": {"kind": "language_model"},
        "model": {
            "kind": "elmo",
            "characters": {"width": 4, "filters": [[1, 4], [3, 8]], "projection": 8},
            "units": 12,
            "samples": 64,
        },
        "train": {
            "epochs": 3,
            "batch_size": 8,
            "window": 20,
            "learning_rate": 0.01,
            "clip_norm": 5.0,
            "save_every": 5,
            "log_every": 5,
        },
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def prepared(recipe_file):
    return prepare(load(recipe_file, []))


@pytest.fixture(scope="module")
def start(recipe_file, prepared):
    return partial(outcomes.start, recipe_file, prepared)


@pytest.fixture(scope="module")
def train(recipe_file, prepared):
    return partial(outcomes.train, recipe_file, prepared)


@pytest.fixture(scope="module")
def one_device(recipe_file, prepared, tmp_path_factory):
    work = tmp_path_factory.mktemp("one")
    return train_here(load(recipe_file, [f"work={work}", *NO_CHANCE]), prepared)


def test_it_learns(one_device):
    first, *_, last = history(one_device)
    assert last["valid_perplexity"] < 0.8 * first["valid_perplexity"]


def test_replicas_and_parts_give_the_loss_of_one_device(train, one_device, tmp_path):
    run_dir = train(tmp_path, *NO_CHANCE, TWO_REPLICAS, "train.accumulation=2")
    assert losses(run_dir) == pytest.approx(losses(one_device), abs=1e-5)


@pytest.mark.slow
def test_replicas_give_the_loss_of_one_device_in_windows_of_random_lengths(
    train, recipe_file, prepared, tmp_path
):
    settings = [*NO_CHANCE, *NT_ASGD, "train.learning_rate=2.0"]
    one = train_here(load(recipe_file, [f"work={tmp_path}/one", *settings]), prepared)
    two = train(tmp_path / "two", *settings, TWO_REPLICAS)
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)


@pytest.mark.slow
def test_two_workers_give_the_loss_of_one_device(start, one_device, tmp_path):
    statuses, ended = finish(start_workers(start, tmp_path, *NO_CHANCE))
    assert statuses == [0, 0], ended
    run_dir = next((tmp_path / "runs").iterdir())
    assert losses(run_dir) == pytest.approx(losses(one_device), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [[], [TWO_REPLICAS], NT_ASGD], ids=["one", "two", "nt-asgd"])
def test_a_killed_job_ends_with_the_same_bits(start, train, tmp_path, settings):
    whole = train(tmp_path / "whole", *settings)
    for step in (random.randint(1, 12), random.randint(13, 25)):
        process = start(tmp_path / "killed", *settings)
        wait_for_step(process, tmp_path / "killed", step)
        time.sleep(random.random() / 10)
        process.kill()
        process.communicate()
    again = train(tmp_path / "killed", *settings)
    assert weights(again) == weights(whole)
    assert history(again) == history(whole)
