"""Small jobs of a language model on lines of a novel."""

from pathlib import Path

import yaml

NOVEL = Path(__file__).parents[2] / "samples/novels/the_time_machine.txt"


def lines(path, begin, end):
    """Write these lines to a file; returns its path as a recipe has it."""
    novel = NOVEL.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join(novel[begin:end]), encoding="utf-8")
    return str(path)


def recipe_file(folder, **parts):
    """Write a recipe of so many `parts`, whose every step takes milliseconds."""
    recipe = {
        "name": "small",
        "work": str(folder / "work"),
        "text": {"lower": False},
        "train": {
            "epochs": 3,
            "batch_size": 8,
            "window": 20,
            "learning_rate": 0.01,
            "clip_norm": 5.0,
            "save_every": 5,
            "log_every": 5,
        },
        **parts,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path
