import csv
import logging
import os
from pathlib import Path

import pytest

from configs.loading import parse
from pipeline.prepare import prepare

DATA = Path(os.environ.get("TEXTMILL_DATA", "../shared/data"))


@pytest.fixture(scope="session")
def banking77():
    """The real sample: {split: [(text, category), ...]} as the csv module reads it."""
    rows = {}
    for split in ("train", "test"):
        path = Path("samples/banking77", f"{split}.csv")
        with open(path, encoding="utf-8", newline="") as file:
            rows[split] = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    return rows


@pytest.fixture
def recipe(tmp_path):
    """A maker of recipes from lines of YAML, whose work folder is the test's own."""

    def make(*lines, work="work"):
        return parse(
            "\n".join(["name: test", f"work: {tmp_path / work}", "model: {kind: text_cnn}", *lines])
        )

    return make


@pytest.fixture
def prepared(recipe, caplog):
    """A maker of prepared data; what it logs is kept for the test."""
    caplog.set_level(logging.INFO, "textmill")
    return lambda *lines, **more: prepare(recipe(*lines, **more))
