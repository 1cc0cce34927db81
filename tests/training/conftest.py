"""A small real job: eight intents of the shipped sample, prepared once."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXTMILL = Path(sys.executable).with_name("textmill")


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


@pytest.fixture(scope="session")
def recipe(recipe_file):
    from configs.recipe import Recipe

    return Recipe.model_validate(yaml.safe_load(recipe_file.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def prepared(recipe):
    from pipeline.prepare import prepare

    return prepare(recipe)


@pytest.fixture(scope="session")
def start(recipe_file, prepared):
    """Start `textmill train` on the prepared data as a process of its own.

    Each work folder gets the prepared data by a link, so that jobs do not share runs.
    """

    def started(work, *settings, **environment):
        work.mkdir(parents=True, exist_ok=True)
        if not (work / "prepared").exists():
            (work / "prepared").symlink_to(prepared.parent)
        command = [TEXTMILL, "train", recipe_file, "--json", "--set", f"work={work}"]
        for setting in settings:
            command += ["--set", setting]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    return started


@pytest.fixture(scope="session")
def train(start):
    """Run such a job to its end; returns its run directory."""

    def trained(work, *settings, **environment):
        process = start(work, *settings, **environment)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        return Path(json.loads(out.splitlines()[-1])["run_dir"])

    return trained


@pytest.fixture(scope="session")
def train_here(recipe_file, prepared):
    """The same in this process, on one device; `prepared` is used where it lies."""

    def trained(work, *settings):
        from configs.loading import load
        from pipeline.training.train import train

        return train(load(recipe_file, [f"work={work}", *settings]), prepared)

    return trained
