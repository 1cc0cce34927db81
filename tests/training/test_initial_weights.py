"""Jobs that start from earlier ones: which weights go over, which not, and what is refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from pipeline import finding_runs

ONE_STEP = ["train.max_steps=1", "train.learning_rate=1e-12"]


def trained(run_dir):
    return load_file(run_dir / "training" / "weights.safetensors")


def started(run_dir):
    manifest = json.loads((run_dir / "training" / "manifest.json").read_text())
    return manifest["initial_weights"]


@pytest.fixture(scope="module")
def first(train_here, tmp_path_factory):
    return train_here(tmp_path_factory.mktemp("first"), "train.epochs=1")


def test_a_run_goes_on_as_it_was(train_here, first, tmp_path):
    again = train_here(tmp_path, f"init_from={first}", *ONE_STEP)
    for path, value in trained(again).items():
        np.testing.assert_allclose(value, trained(first)[path], atol=1e-9, err_msg=path)
    assert started(again)["init_from.new"] == "none"
    words = len((finding_runs.prepared(first) / "tokenizer/vocabulary.txt").read_text().split())
    expected = f"{words - 5:,} of {words - 5:,} words, 100.0% of the running words"
    assert started(again)["init_from.vocabulary"] == expected


def test_a_name_is_the_newest_finished_run(train_here, first, tmp_path):
    name = str(first)[: -len("-12345678")]
    again = train_here(tmp_path, f"init_from={name}", *ONE_STEP)
    assert started(again)["init_from"] == str(first)
