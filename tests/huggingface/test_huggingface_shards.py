"""Weights in several files, with an index that says which weight is in which."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pipeline.errors import JobError
from pipeline.huggingface import reading

WHOLE = Path(__file__).with_name("tiny_bert") / "tagger"
INDEX = "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path):
    """The same weights in three files, each of which has every third."""
    place = shutil.copytree(WHOLE, tmp_path / "bert")
    theirs = load_file(place / "model.safetensors")
    (place / "model.safetensors").unlink()
    placed = {}
    for number in range(3):
        name = f"model-{number + 1:05d}-of-00003.safetensors"
        part = {weight: theirs[weight] for weight in sorted(theirs)[number::3]}
        save_file(part, place / name)
        placed |= dict.fromkeys(part, name)
    (place / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": placed}))
    return place


def index(folder, **places):
    """The index with other places, of all weights or of none."""
    path = folder / INDEX
    placed = json.loads(path.read_text())["weight_map"]
    path.write_text(json.dumps({"weight_map": {**placed, **places}}))


def test_the_same_model_as_in_one_file(folder):
    *_, expected = reading.read(WHOLE)
    *_, found = reading.read(folder)
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_all_files_stand_for_the_model(folder):
    before = reading.content(folder)
    last = folder / "model-00003-of-00003.safetensors"
    save_file({name: value + 1 for name, value in load_file(last).items()}, last)
    assert reading.content(folder) != before


def test_a_file_that_is_missing_is_named(folder):
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(JobError, match=r"lacks model-00002-of-00003\.safetensors; it has"):
        reading.read(folder)


def test_a_file_that_is_cut_is_named(folder):
    path = folder / "model-00002-of-00003.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(JobError, match=r"model-00002-of-00003\.safetensors is no safetensors file"):
        reading.read(folder)


@pytest.mark.parametrize(
    "place", ["../tagger/model.safetensors", "/etc/passwd", "..", "", "a\\b", "a\0", 7]
)
def test_no_place_outside_of_the_folder_is_read(folder, place):
    index(folder, **{"classifier.bias": place})
    with pytest.raises(JobError, match=r"classifier.bias should be in a file of this folder, got"):
        reading.read(folder)


def test_an_index_that_places_nothing(folder):
    (folder / INDEX).write_text('{"metadata": {}}')
    with pytest.raises(JobError, match="should have a weight_map"):
        reading.read(folder)


def test_a_weight_that_is_not_where_it_should_be(folder):
    index(folder, **{"bert.embeddings.LayerNorm.bias": "model-00002-of-00003.safetensors"})
    with pytest.raises(JobError, match="lacks 1 weights of a BERT of 2 layers"):
        reading.read(folder)


def test_weights_of_whole_numbers_are_refused(folder):
    path = folder / "model-00001-of-00003.safetensors"
    save_file({name: value.astype(np.int8) for name, value in load_file(path).items()}, path)
    with pytest.raises(JobError, match="are of int8, not floats"):
        reading.read(folder)
