"""Whole jobs of an AWD-LSTM on running text: devices, resuming, and what it learns."""

import random
import time
from functools import partial
from pathlib import Path

import outcomes
import pytest
import yaml
from outcomes import history, losses, wait_for_step, weights

from configs.loading import load
from pipeline.prepare import prepare
from pipeline.training.train import train as train_here

NOVEL = Path(__file__).parents[2] / "samples/novels/the_time_machine.txt"
TWO_REPLICAS = "train.strategy={kind: mirrored, replicas: 2}"
# Masks belong to the parts of a batch, so losses of one device and two are compared without.
NO_CHANCE = "model.dropouts.scale=0"


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    """Lines of one running text, as those of the Penn Treebank."""
    folder = tmp_path_factory.mktemp("awd")
    lines = NOVEL.read_text(encoding="utf-8").split("\n")
    (folder / "novel.txt").write_text("\n".join(lines[:60]), encoding="utf-8")
    (folder / "more.txt").write_text("\n".join(lines[60:75]), encoding="utf-8")
    recipe = {
        "name": "small",
        "work": str(folder / "work"),
        "data": {"train": str(folder / "novel.txt"), "valid": str(folder / "more.txt")},
        "text": {"lower": False},
        "task": {"kind": "language_model", "carry": "stream"},
        "model": {"kind": "awd_lstm", "width": 12, "units": 16, "layers": 2},
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
    return train_here(load(recipe_file, [f"work={work}", NO_CHANCE]), prepared)


def test_it_learns(one_device):
    first, *_, last = history(one_device)
    assert last["valid_perplexity"] < 0.8 * first["valid_perplexity"]


def test_replicas_and_parts_give_the_loss_of_one_device(train, one_device, tmp_path):
    """The penalties too: they are in the gradients, so in the losses of all later steps."""
    run_dir = train(tmp_path, NO_CHANCE, TWO_REPLICAS, "train.accumulation=2")
    assert losses(run_dir) == pytest.approx(losses(one_device), abs=1e-5)


def test_the_sample_recipe(tmp_path):
    path = Path("configs/language_model/sample_awd_lstm.yaml")
    chosen = load(path, [f"work={tmp_path}", "train.max_steps=4", "data.valid=0.02"])
    [found] = history(train_here(chosen, prepare(chosen)))
    assert found["train_loss"] < 10
    assert found["valid_perplexity"] < 8000


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [[], [TWO_REPLICAS]], ids=["one", "two"])
def test_a_killed_job_ends_with_the_same_bits(start, train, tmp_path, strategy):
    whole = train(tmp_path / "whole", *strategy)
    for step in (random.randint(1, 12), random.randint(13, 25)):
        process = start(tmp_path / "killed", *strategy)
        wait_for_step(process, tmp_path / "killed", step)
        time.sleep(random.random() / 10)
        process.kill()
        process.communicate()
    again = train(tmp_path / "killed", *strategy)
    assert weights(again) == weights(whole)
    assert history(again) == history(whole)
