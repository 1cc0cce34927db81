"""Whole jobs of an AWD-LSTM on running text: devices, resuming, and what it learns."""

import random
from pathlib import Path

import novel
import pytest
from outcomes import TWO_REPLICAS, assert_same_bits, history, killed_and_resumed, losses

from configs.loading import load
from pipeline.prepare import prepare
from pipeline.training.train import train as train_by_recipe

# Masks belong to the parts of a batch, so losses of one device and two are compared without.
NO_CHANCE = "model.dropouts.scale=0"


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    """Lines of one running text, as those of the Penn Treebank."""
    folder = tmp_path_factory.mktemp("awd")
    return novel.recipe_file(
        folder,
        data={
            "train": novel.lines(folder / "novel.txt", 0, 60),
            "valid": novel.lines(folder / "more.txt", 60, 75),
        },
        task={"kind": "language_model", "carry": "stream"},
        model={"kind": "awd_lstm", "width": 12, "units": 16, "layers": 2},
    )


@pytest.fixture(scope="module")
def one_device(train_here, tmp_path_factory):
    return train_here(tmp_path_factory.mktemp("one"), NO_CHANCE)


def test_it_learns(one_device):
    first, *_, last = history(one_device)
    assert last["valid_perplexity"] < 0.8 * first["valid_perplexity"]


@pytest.mark.slow
def test_replicas_and_parts_give_the_loss_of_one_device(train, one_device, tmp_path):
    """The penalties too: they are in the gradients, so in the losses of all later steps."""
    run_dir = train(tmp_path, NO_CHANCE, TWO_REPLICAS, "train.accumulation=2")
    assert losses(run_dir) == pytest.approx(losses(one_device), abs=1e-5)


def test_the_sample_recipe(tmp_path):
    path = Path("configs/language_model/sample_awd_lstm.yaml")
    chosen = load(path, [f"work={tmp_path}", "train.max_steps=4", "data.valid=0.02"])
    [found] = history(train_by_recipe(chosen, prepare(chosen)))
    assert found["train_loss"] < 10
    assert found["valid_perplexity"] < 8000


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [[], [TWO_REPLICAS]], ids=["one", "two"])
def test_a_killed_job_ends_with_the_same_bits(start, train, tmp_path, strategy):
    whole = train(tmp_path / "whole", *strategy)
    steps = [random.randint(1, 12), random.randint(13, 25)]
    assert_same_bits(killed_and_resumed(start, train, tmp_path / "killed", steps, *strategy), whole)
