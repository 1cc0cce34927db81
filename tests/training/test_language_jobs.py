"""Whole jobs of a language model that carries its state: devices, workers, resuming."""

import random

import novel
import pytest
from outcomes import (
    TWO_REPLICAS,
    assert_same_bits,
    history,
    killed_and_resumed,
    losses,
    train_on_workers,
)

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
    return novel.recipe_file(
        folder,
        data={"train": novel.lines(folder / "novel.txt", 0, 50), "valid": 0.15},
        task={"kind": "language_model"},
        model={
            "kind": "elmo",
            "characters": {"width": 4, "filters": [[1, 4], [3, 8]], "projection": 8},
            "units": 12,
            "samples": 64,
        },
    )


@pytest.fixture(scope="module")
def one_device(train_here, tmp_path_factory):
    return train_here(tmp_path_factory.mktemp("one"), *NO_CHANCE)


def test_it_learns(one_device):
    first, *_, last = history(one_device)
    assert last["valid_perplexity"] < 0.8 * first["valid_perplexity"]


@pytest.mark.slow
def test_replicas_and_parts_give_the_loss_of_one_device(train, one_device, tmp_path):
    run_dir = train(tmp_path, *NO_CHANCE, TWO_REPLICAS, "train.accumulation=2")
    assert losses(run_dir) == pytest.approx(losses(one_device), abs=1e-5)


@pytest.mark.slow
def test_replicas_give_the_loss_of_one_device_in_windows_of_random_lengths(
    train, train_here, tmp_path
):
    settings = [*NO_CHANCE, *NT_ASGD, "train.learning_rate=2.0"]
    one = train_here(tmp_path / "one", *settings)
    two = train(tmp_path / "two", *settings, TWO_REPLICAS)
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)


@pytest.mark.slow
def test_two_workers_give_the_loss_of_one_device(start, one_device, tmp_path):
    run_dir = train_on_workers(start, tmp_path, *NO_CHANCE)
    assert losses(run_dir) == pytest.approx(losses(one_device), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [[], [TWO_REPLICAS], NT_ASGD], ids=["one", "two", "nt-asgd"])
def test_a_killed_job_ends_with_the_same_bits(start, train, tmp_path, settings):
    whole = train(tmp_path / "whole", *settings)
    steps = [random.randint(1, 12), random.randint(13, 25)]
    assert_same_bits(killed_and_resumed(start, train, tmp_path / "killed", steps, *settings), whole)
