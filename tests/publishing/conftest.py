"""A tiny trained run and its export, made once by the real stages."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from configs.recipe import Recipe
from pipeline.prepare import prepare
from pipeline.publishing.export import export
from pipeline.training.train import train

LOST = ["I lost my card", "my card is gone", "where did my card go?", "card stolen in Köln"]
MONEY = ["send money home", "how do I pay, please", "is my payment late?", "pay 10 € to a friend"]


@dataclass
class Trained:
    recipe: Recipe
    run_dir: Path


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    rows = [(text, "lost, card") for text in LOST] + [(text, "money") for text in MONEY]
    lines = [f'"{text} {n}","{label}"\n' for n in range(8) for text, label in rows]
    lines.append('"",money\n')
    (folder / "train.csv").write_text("text,label\n" + "".join(lines), encoding="utf-8")
    recipe = Recipe.model_validate(
        {
            "name": "tiny",
            "work": str(folder / "work"),
            "data": {
                "train": str(folder / "train.csv"),
                "valid": 0.2,
                "test": 0.2,
                "max_bad": 0.05,
            },
            "text": {"max_length": 20},
            "task": {"kind": "classify"},
            "model": {"kind": "text_cnn", "embedding": {"width": 8}, "filters": 6},
            "train": {"epochs": 2, "batch_size": 8, "learning_rate": 0.01},
            "export": {"golden": 5},
        }
    )
    return Trained(recipe, train(recipe, prepare(recipe)))


@pytest.fixture(scope="session")
def export_dir(trained):
    return export(trained.recipe, trained.run_dir)
