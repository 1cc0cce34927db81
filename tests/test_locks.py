"""Real processes that want the same folder."""

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from pipeline import locks
from pipeline.errors import JobError

HOLD = """
import sys
from pathlib import Path
from pipeline import locks
with locks.alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
COUNT = """
import sys, time
from pathlib import Path
from pipeline import locks
locks.EVERY = 0.001
for _ in range(25):
    with locks.alone(Path(sys.argv[1])):
        number = int(Path(sys.argv[2]).read_text())
        time.sleep(0.001)
        Path(sys.argv[2]).write_text(str(number + 1))
"""


def started(program, *arguments):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes)


@contextmanager
def held(folder):
    """Another process that is at work on the folder."""
    process = started(HOLD, folder)
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


def ends(process, emit):
    """What emits a log record and lets the process come to its end."""

    def emitted(record):
        emit(record)
        process.stdin.close()

    return emitted


def test_no_two_are_at_work_at_once(tmp_path):
    (tmp_path / "count").write_text("0")
    processes = [started(COUNT, tmp_path / "place", tmp_path / "count") for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "75"
    for process in processes:
        process.communicate()
    assert [path.name for path in tmp_path.iterdir()] == ["count"]


def test_who_waits_says_for_whom_and_goes_on(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(locks, "EVERY", 0.01)
    caplog.set_level("INFO", "textmill")
    with held(tmp_path / "place") as other:
        with (
            pytest.raises(JobError, match=f"process {other.pid} on {socket.gethostname()} "),
            locks.alone(tmp_path / "place", wait=False),
        ):
            pass
        monkeypatch.setattr(caplog.handler, "emit", ends(other, caplog.handler.emit))
        with locks.alone(tmp_path / "place"):
            pass
    said, after = (record.getMessage() for record in caplog.records)
    assert f"waiting for process {other.pid} on " in said
    assert "going on" in after


def test_a_killed_process_holds_nothing(tmp_path):
    with held(tmp_path / "place") as other:
        other.send_signal(signal.SIGKILL)
        other.wait(10)
        assert (tmp_path / ".place.lock").is_file()
        with locks.alone(tmp_path / "place", wait=False):
            pass
    assert not list(tmp_path.iterdir())


def test_no_setting_is_told_to_those_who_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/bin/textmill", "run", "r.yaml", "--set", "a=http://b:c@d"])
    with locks.alone(tmp_path / "place"):
        told = json.loads((tmp_path / ".place.lock").read_text())
    assert told["command"] == "textmill run r.yaml"


def test_it_may_be_nested(tmp_path):
    with locks.alone(tmp_path / "place"):
        with locks.alone(tmp_path / "place", wait=False):
            pass
        assert (tmp_path / ".place.lock").is_file()


def test_where_there_are_no_locks_that_is_said(tmp_path, monkeypatch, caplog):
    def none(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    done = []
    with locks.alone(tmp_path / "place"):
        done.append("work")
    assert done == ["work"]
    assert "place cannot be locked (No locks available)" in caplog.text


def test_a_place_that_cannot_be_written_to_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"), locks.alone(tmp_path / "file" / "place"):
        pass
