import csv
import logging
import os
from pathlib import Path

import pytest

from configs.loading import parse
from pipeline.prepare import prepare

MODELS = {  # where a text CNN will not do
    "kind: tag": "lstm",
    "kind: language_model": "elmo",
    "kind: masked_language_model": "bert",
}
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
        model = next((kind for task, kind in MODELS.items() if task in "".join(lines)), "text_cnn")
        first = ["name: test", f"work: {tmp_path / work}"]
        if "model: " not in "".join(lines):
            first.append(f"model: {{kind: {model}}}")
        return parse("\n".join([*first, *lines]))

    return make


@pytest.fixture
def prepared(recipe, caplog):
    """A maker of prepared data; what it logs is kept for the test."""
    caplog.set_level(logging.INFO, "textmill")
    return lambda *lines, **more: prepare(recipe(*lines, **more))


@pytest.fixture(scope="session")
def data():
    """The folder of real data."""
    if not DATA.is_dir():
        pytest.skip(f"no real data in {DATA}: set TEXTMILL_DATA")
    return DATA
