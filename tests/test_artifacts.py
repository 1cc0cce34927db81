"""A stage's folder: whole or not there, on the disk before it counts, and held to its manifest."""

import os
import resource
import time

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from pipeline import artifacts
from pipeline.errors import JobError

BIG = 20_000  # bytes


@pytest.fixture
def stage(tmp_path):
    with artifacts.publish(tmp_path / "stage", "mark", {"fact": 1}) as folder:
        (folder / "part").mkdir()
        (folder / "part" / "words").write_text("one two")
        (folder / "labels.json").write_text("[]")
    return tmp_path / "stage"


def test_what_is_published_is_whole_and_leaves_nothing_beside(stage):
    artifacts.check(stage)
    assert artifacts.finished(stage, "mark")
    assert not artifacts.finished(stage, "other")
    assert artifacts.manifest(stage)["fact"] == 1
    assert list(stage.parent.iterdir()) == [stage]


def test_all_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    synced, renamed = set(), []
    fsync, replace = os.fsync, os.replace

    def noted_sync(descriptor):
        fsync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    def noted_replace(source, target):
        renamed.append((str(target), synced.copy()))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    with artifacts.publish(tmp_path / "stage", "mark", {}) as folder:
        (folder / "part").mkdir()
        (folder / "part" / "words").write_text("one two")
    (last, before) = renamed[-1]
    assert last == str(tmp_path / "stage")
    inside = [tmp_path / "stage", *(tmp_path / "stage").rglob("*")]
    assert len(inside) == 4
    assert {path.stat().st_ino for path in inside} <= before
    assert tmp_path.stat().st_ino in synced


WRITERS = {
    "text": lambda folder: (folder / "a").write_text("x" * BIG),
    "weights": lambda folder: save_file({"a": np.zeros(BIG)}, folder / "a"),
    "table": lambda folder: pd.DataFrame({"a": np.random.rand(BIG)}).to_parquet(folder / "a"),
    "json": lambda folder: artifacts.write_json(folder / "a", "x" * BIG),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_full_disk_is_one_line_and_leaves_only_what_was_there(stage, write):
    """A limit on the size of files: the system refuses as it does when the disk is full."""
    pd.DataFrame({"a": [1.0]}).to_parquet(stage.parent / "warm")  # imports before the limit
    (stage.parent / "warm").unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BIG // 2, hard))
    try:
        with (
            pytest.raises(JobError, match=r"stage.* cannot be written: .*File too large") as caught,
            artifacts.publish(stage, "new", {}) as folder,
        ):
            write(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert artifacts.finished(stage, "mark")
    artifacts.check(stage)
    assert list(stage.parent.iterdir()) == [stage]


def test_what_failed_for_another_reason_stays_to_be_looked_at(tmp_path):
    def fail(folder):
        (folder / "rows").write_text("bad")
        raise JobError("bad rows")

    with (
        pytest.raises(JobError, match="bad rows"),
        artifacts.publish(tmp_path / "stage", "mark", {}) as folder,
    ):
        fail(folder)
    assert (tmp_path / "stage.failed" / "rows").is_file()
    with artifacts.publish(tmp_path / "stage", "mark", {}):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["stage"]


def test_what_a_killed_process_left_is_no_hindrance(tmp_path):
    (tmp_path / "stage.unfinished").mkdir()
    (tmp_path / "stage.unfinished" / "half").write_text("x")
    with artifacts.publish(tmp_path / "stage", "mark", {}) as folder:
        assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "content", [b"", b" \n", b'{"fingerprint": "ma', b"\x00\xff", b"[]", b"{}"]
)
def test_a_damaged_manifest_is_named_with_what_to_do(stage, content):
    (stage / artifacts.MANIFEST).write_bytes(content)
    for read in (artifacts.manifest, artifacts.check, lambda s: artifacts.finished(s, "mark")):
        with pytest.raises(JobError, match=rf"manifest\.json is damaged .* delete {stage} and run"):
            read(stage)


def test_a_damaged_file_of_json_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "export.json"
    for content in ("", "{", "{}", '"a"', "[" * 100_000):
        path.write_text(content)
        with pytest.raises(JobError, match=rf"export\.json is damaged .* delete {path} and run"):
            artifacts.read_json(path, "version")


def test_only_what_is_asked_for_is_checked(stage):
    (stage / "part" / "words").write_text("two one")
    artifacts.check(stage, "labels.json")
    with pytest.raises(JobError, match="part/words is not what its manifest says"):
        artifacts.check(stage, "labels.json", "part/")
    (stage / "labels.json").unlink()
    with pytest.raises(JobError, match=r"labels\.json .* got no file"):
        artifacts.check(stage, "labels.json")


def test_a_file_is_read_once_for_as_long_as_it_stays_as_it_is(stage, monkeypatch):
    monkeypatch.setattr(artifacts, "SETTLED", 0)
    read, names = artifacts._read_sum, []
    monkeypatch.setattr(artifacts, "_read_sum", lambda path: names.append(path.name) or read(path))
    artifacts.check(stage)
    artifacts.check(stage)
    assert sorted(names) == ["labels.json", "words"]
    words = stage / "part" / "words"
    before = words.stat()
    time.sleep(0.05)  # longer than the file system's clock takes to move on
    words.write_text("two one")  # as long as before
    os.utime(words, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(JobError, match="part/words is not what its manifest says"):
        artifacts.check(stage)
