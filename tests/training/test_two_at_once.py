"""Processes that want the same work at once, from raw files in an empty work folder."""

from functools import partial

import outcomes
import pytest

EPOCH = "train.epochs=1"


@pytest.fixture
def start(recipe_file):
    return partial(outcomes.start, recipe_file, None)


def whole(work, pattern):
    """The folders with a manifest, of which nothing half made or locked lies beside."""
    found = [path.parent for path in work.glob(f"{pattern}/manifest.json")]
    beside = {path.name for folder in found for path in folder.parent.iterdir()}
    assert not [name for name in beside if name.endswith((".unfinished", ".failed", ".lock"))]
    return found


@pytest.mark.slow
def test_three_commands_share_what_is_the_same(start, tmp_path):
    """Two trainings of one recipe and one of another, on the same data, in a new MLflow store."""
    jobs = [start(tmp_path, EPOCH, f"name={name}") for name in ("one", "two", "two")]
    statuses, ended = outcomes.finish(jobs)
    assert statuses == [0, 0, 0], ended
    said = [err for _, err in ended]
    assert sum("preparing 1 files" in err for err in said) == 1
    assert sum("train: epoch 1.00" in err for err in said) == 2
    assert "has finished already" in said[1] + said[2]
    assert len(whole(tmp_path, "prepared/*")) == 1
    assert len(whole(tmp_path, "runs/*/training")) == 2


@pytest.mark.slow
@pytest.mark.parametrize("types", [("chief", "worker"), ("worker", "worker")])
def test_a_cluster_prepares_once_and_trains_together(start, tmp_path, types):
    jobs = outcomes.start_workers(start, tmp_path, EPOCH, types=types)
    statuses, ended = outcomes.finish(jobs)
    assert statuses == [0, 0], ended
    chief, other = (err for _, err in ended)
    assert "preparing 1 files" in chief
    assert "preparing" not in other
    assert len(whole(tmp_path, "prepared/*")) == 1
    assert len(whole(tmp_path, "runs/*/training")) == 1
