"""Whole jobs of a masked language model: what it learns, devices, resuming."""

import random

import novel
import pytest
from outcomes import TWO_REPLICAS, assert_same_bits, history, killed_and_resumed, losses

from configs import loading
from pipeline.evaluation.evaluate import evaluate

NO_CHANCE = ["model.dropout=0", "model.attention_dropout=0"]
FEW = ["train.epochs=2", "train.max_steps=30"]
LAMB = ["train.optimizer={kind: lamb}", "train.batch_ramp={start: 0.5, over: 0.5}"]


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("masked")
    return novel.recipe_file(
        folder,
        data={"train": novel.lines(folder / "novel.txt", 0, 2000), "valid": 0.15},
        text={"max_length": 32, "tokenizer": {"kind": "wordpiece", "size": 300}},
        task={"kind": "masked_language_model", "language": "en"},
        model={"kind": "bert", "layers": 1, "width": 32, "heads": 2, "positions": 32},
        train={
            "epochs": 12,
            "batch_size": 32,
            "learning_rate": 0.005,
            "schedule": {"kind": "linear", "warmup": 0.1},
            "save_every": 5,
            "log_every": 5,
        },
    )


def test_it_names_more_tokens_than_the_commonest_one(train_here, prepared, recipe_file, tmp_path):
    run_dir = train_here(tmp_path)
    first, *_, last = history(run_dir)
    assert last["valid_masked_loss"] < 0.97 * first["valid_masked_loss"]
    assert last["valid_loss"] == last["valid_masked_loss"] + last["valid_pair_loss"]
    found = evaluate(loading.load(recipe_file, [f"work={tmp_path}"]), prepared, run_dir)
    assert found["accuracy"]["low"] > found["unigram_accuracy"]["high"]
    assert found["perplexity"]["high"] < found["unigram_perplexity"]["low"]
    best = min(history(run_dir), key=lambda row: row["valid_masked_loss"])
    for name in ("masked_loss", "accuracy", "pair_accuracy", "pair_loss"):
        assert found[name]["value"] == pytest.approx(best[f"valid_{name}"], abs=1e-5)
    page = (run_dir / "evaluation" / "report.html").read_text()
    assert "Masked language model (BERT)" in page
    assert "whether the second text follows the first" in page


@pytest.mark.slow
@pytest.mark.parametrize("settings", [[], LAMB], ids=["adam", "lamb"])
def test_replicas_and_parts_give_the_loss_of_one_device(train, train_here, tmp_path, settings):
    settings = [*NO_CHANCE, *FEW, *settings]
    one = train_here(tmp_path / "one", *settings)
    two = train(tmp_path / "two", *settings, TWO_REPLICAS, "train.accumulation=2")
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    for ours, theirs in zip(history(two), history(one), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [[TWO_REPLICAS], LAMB], ids=["two replicas", "lamb"])
def test_a_killed_job_ends_with_the_same_bits(start, train, tmp_path, settings):
    settings = [*FEW, *settings]
    whole = train(tmp_path / "whole", *settings)
    steps = [random.randint(1, 10), random.randint(12, 22)]
    assert_same_bits(killed_and_resumed(start, train, tmp_path / "killed", steps, *settings), whole)
