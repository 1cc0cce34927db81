"""A small real job: eight intents of the shipped sample, prepared once."""

import csv
from functools import partial
from pathlib import Path

import outcomes
import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory):
    """A recipe whose every step takes milliseconds; 13 steps an epoch."""
    folder = tmp_path_factory.mktemp("job")
    with open(ROOT / "samples/banking77/train.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    intents = sorted({row["category"] for row in rows})[:8]
    rows = [row for row in rows if row["category"] in intents][::2]
    with open(folder / "train.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "category"])
        writer.writeheader()
        writer.writerows(rows)
    recipe = {
        "name": "small",
        "work": str(folder / "work"),
        "data": {"train": str(folder / "train.csv"), "valid": 0.15},
        "task": {"kind": "classify", "label": "category"},
        "model": {"kind": "text_cnn", "embedding": {"width": 16}, "filters": 8},
        "train": {
            "epochs": 3,
            "batch_size": 32,
            "learning_rate": 0.01,
            "save_every": 5,
            "log_every": 5,
        },
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


# Those below are of a module, which may have a recipe of its own.
@pytest.fixture(scope="module")
def recipe(recipe_file):
    from configs.recipe import Recipe

    return Recipe.model_validate(yaml.safe_load(recipe_file.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def prepared(recipe):
    from pipeline.prepare import prepare

    return prepare(recipe)


@pytest.fixture(scope="module")
def start(recipe_file, prepared):
    """Start `textmill train` on the prepared data as a process of its own."""
    return partial(outcomes.start, recipe_file, prepared)


@pytest.fixture(scope="module")
def train(recipe_file, prepared):
    """Run such a job to its end; returns its run directory."""
    return partial(outcomes.train, recipe_file, prepared)


@pytest.fixture(scope="module")
def train_here(recipe_file, prepared):
    """The same in this process, on one device; `prepared` is used where it lies."""

    def trained(work, *settings):
        from configs.loading import load
        from pipeline.training.train import train

        return train(load(recipe_file, [f"work={work}", *settings]), prepared)

    return trained
