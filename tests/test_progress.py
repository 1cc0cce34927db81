"""Progress: lines where nobody watches, a bar on a terminal, nothing when told to be quiet."""

import logging
import os
import pty
import re
import subprocess
import sys
import time

import pytest

from pipeline import progress as module
from pipeline.progress import progress

PROGRAM = """
import logging
from pipeline.progress import progress
logging.basicConfig(level=logging.INFO)
with progress("train", total=4) as bar:
    for loss in (0.5, 0.25, 0.2, 0.125):
        bar.advance(loss=loss)
"""


def test_lines_say_how_far_it_is(caplog, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    caplog.set_level(logging.INFO, "textmill")
    with progress("read", total=20) as bar:
        bar.advance(5)
        bar.advance(15, bad=2)
    first, second, last = caplog.messages
    assert first.startswith("read: 5/20, ")
    assert "s left" in first
    assert second.startswith("read: 20/20, ")
    assert last.startswith("read: 20/20 in ")
    assert last.endswith(", bad 2")


def test_what_was_done_before_says_nothing_about_the_pace(caplog, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    caplog.set_level(logging.INFO, "textmill")
    with progress("train", total=1000, done=900) as bar:
        time.sleep(0.1)
        bar.advance()
    rate = re.fullmatch(r"train: 901/1000, (\S+)/s, \d+ s left", caplog.messages[0])
    assert float(rate[1]) <= 10.0


def test_unknown_total_counts_up(caplog):
    caplog.set_level(logging.INFO, "textmill")
    with progress("read") as bar:
        bar.advance(5)
    assert caplog.messages[0].startswith("read: 5 in ")


def test_work_that_fails_is_not_told_as_done(caplog):
    caplog.set_level(logging.INFO, "textmill")
    with pytest.raises(ZeroDivisionError), progress("read") as bar:
        bar.advance(1 // 0)
    assert not caplog.messages


def on_terminal(program):
    """What a program writes when its standard error is a terminal."""
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True)
    os.close(theirs)
    written = b""
    while True:
        try:
            written += os.read(ours, 65536)
        except OSError:  # the terminal's end
            return written.decode()


def test_bar_on_a_terminal():
    shown = on_terminal(PROGRAM)
    assert "━" in shown
    assert "4/4" in shown
    assert "loss 0.125" in shown


def test_no_bar_for_those_who_are_kept_quiet():
    quiet = PROGRAM.replace("with", "logging.getLogger('textmill').setLevel('ERROR')\nwith", 1)
    assert on_terminal(quiet) == ""
