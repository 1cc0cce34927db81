"""Runs by folder and by name, and what stands for the weights of a pretrained ELMo."""

import os
import shutil

import pytest

from pipeline import artifacts, finding_runs, pretrained_elmo
from pipeline.errors import JobError


@pytest.fixture
def run(tmp_path):
    """A maker of the folder that a finished run leaves, so many seconds after the first."""

    def make(name, seconds=0):
        folder = tmp_path / "work" / "runs" / name
        with artifacts.publish(folder / "training", "mark", {"prepared": "work/prepared/abc"}):
            pass
        time = 1_700_000_000 + seconds
        os.utime(folder / "training" / "manifest.json", (time, time))
        return folder

    return make


def test_a_folder_is_itself_and_a_name_the_newest_finished_run(run, caplog):
    caplog.set_level("INFO", "textmill")
    old, new = run("lm-0123abcd"), run("lm-9876fedc", 5)
    run("lm-big-0123abcd", 9)
    run("lm-0123abcde", 9)
    (old.parent / "lm-ffffffff").mkdir()  # not finished
    assert finding_runs.find(old) == old
    assert caplog.text == ""
    assert finding_runs.find(str(old.parent / "lm")) == new
    assert f"the newest of 2 finished run(s) is {new}" in caplog.text


def test_what_is_there_is_said_where_a_run_is_not(run):
    folder = run("lm-0123abcd")
    (folder.parent / "other-ffffffff").mkdir()
    with pytest.raises(JobError, match=r"runs/ml: .*has lm-0123abcd, other-ffffffff"):
        finding_runs.find(folder.parent / "ml")
    with pytest.raises(JobError, match=r"other-ffffffff is no run that has finished training"):
        finding_runs.find(folder.parent / "other-ffffffff")
    assert finding_runs.found(folder.parent / "other") is None


def test_prepared_data_is_found_from_any_folder(run):
    folder = run("lm-0123abcd")
    with pytest.raises(JobError, match=r"is not in work/prepared/abc: run `textmill prepare`"):
        finding_runs.prepared(folder)
    with artifacts.publish(folder.parent.parent / "prepared" / "abc", "mark", {}):
        pass
    assert finding_runs.prepared(folder) == folder.parent.parent / "prepared" / "abc"


def test_the_content_of_ready_elmo_files_is_that_of_weights_and_options(tmp_path):
    weights, options = (tmp_path / f"small_{name}" for name in ("weights.hdf5", "options.json"))
    contents = set()
    for values in (b"1", b"2"):
        weights.write_bytes(values)
        for values in (b"{}", b"[]"):
            options.write_bytes(values)
            contents.add(pretrained_elmo.content(tmp_path))
    assert len(contents) == 4
    copy = shutil.copytree(tmp_path, tmp_path / "copy")
    assert pretrained_elmo.content(copy / weights.name) in contents
