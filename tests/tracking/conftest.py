"""A recipe, the prepared data of its job, and the store that its run is in."""

import pytest
from small_recipe import small_recipe

from pipeline import artifacts


@pytest.fixture
def recipe(mlflow_store, tmp_path):
    return small_recipe(tmp_path, tracking={"uri": mlflow_store, "experiment": "tracking-tests"})


@pytest.fixture
def prepared(tmp_path):
    facts = {
        "splits": {"train": {"examples": 30}, "test": {"examples": 4}},
        "records": 40,
        "dead_letters": {"empty text": 2},
    }
    with artifacts.publish(tmp_path / "prepared", "0123456789abcdef", facts) as folder:
        (folder / "report.html").write_text("<p>data</p>")
    return tmp_path / "prepared"
