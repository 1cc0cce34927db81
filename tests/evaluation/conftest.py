"""Small trained jobs of every task, on data that is prepared without Beam."""

from functools import cache

import pytest
from small_data import COLOURS, LABELS, TAGS, make_rows, make_tagged, write_prepared

from configs.recipe import Recipe


@pytest.fixture(scope="session", params=LABELS)
def job(request, train_small):
    """(recipe, prepared, run_dir) of a small trained job of each task."""
    return train_small(request.param)


@pytest.fixture(scope="session")
def train_small(tmp_path_factory, mlflow_store):
    """Train a small job of a task; returns (recipe, prepared, run_dir)."""
    from pipeline.training.train import train

    @cache
    def trained(kind, splits=("valid", "test"), epochs=4, name="small"):
        folder = tmp_path_factory.mktemp(kind)
        # Runs in one experiment can be compared, and so they have the same splits.
        store = {"uri": mlflow_store, "experiment": " ".join([kind, *splits])}
        recipe = small_recipe(folder, kind, store, epochs, name)
        label = LABELS[kind]
        rows = {"train": make_rows(150, 0, label)}
        rows |= {name: make_rows(60, seed, label) for seed, name in enumerate(splits, 1)}
        names = [] if kind == "regress" else COLOURS
        prepared = write_prepared(folder / "prepared", recipe, rows, names)
        return recipe, prepared, train(recipe, prepared)

    return trained


def small_recipe(folder, kind, store, epochs, name):
    return Recipe.model_validate(
        {
            "name": name,
            "work": str(folder / "work"),
            "data": {"train": "train.csv", "columns": ["end"]},
            "task": {"kind": kind},
            "model": {"kind": "text_cnn", "embedding": {"width": 8}, "filters": 8},
            "train": {"epochs": epochs, "batch_size": 16, "learning_rate": 0.01},
            "evaluate": {"resamples": 200, "mistakes": 5, "slices": ["end"]},
            "tracking": store,
        }
    )


@pytest.fixture(scope="session")
def train_tagger(tmp_path_factory, mlflow_store):
    """Train a small tagger; returns (recipe, prepared, run_dir)."""
    from pipeline.training.train import train

    @cache
    def trained(scheme, decoder, epochs=4, name="tagger"):
        folder = tmp_path_factory.mktemp(scheme)
        recipe = small_tagger(folder, scheme, decoder, mlflow_store, epochs, name)
        names = TAGS[scheme]
        rows = {
            name: make_tagged(number, seed, names)
            for seed, (name, number) in enumerate((("train", 200), ("valid", 60), ("test", 60)))
        }
        prepared = write_prepared(folder / "prepared", recipe, rows, names)
        return recipe, prepared, train(recipe, prepared)

    return trained


def small_tagger(folder, scheme, decoder, store, epochs, name):
    return Recipe.model_validate(
        {
            "name": name,
            "work": str(folder / "work"),
            "data": {"train": "train.conll", "columns": ["end"]},
            "task": {"kind": "tag", "scheme": scheme, "decoder": decoder},
            "model": {"kind": "lstm", "embedding": {"width": 8}, "units": 8, "dropout": 0.1},
            "train": {"epochs": epochs, "batch_size": 16, "learning_rate": 0.02},
            "evaluate": {"resamples": 200, "mistakes": 5, "slices": ["end"]},
            "tracking": {"uri": store, "experiment": f"tag {scheme}"},
        }
    )
