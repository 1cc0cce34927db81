"""One MLflow run per training job, logged explicitly, by the chief alone.

The run holds what went in (recipe, data, code, versions), what happened (metrics by step, system
metrics) and what came out (report, pictures, model). A job that goes on after an interruption goes
on in its run. All of it is written to the job's journal first, and a store that fails later stops
no job: `textmill sync`, or the next command that opens the run, sends what waits.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from configs.recipe import Recipe
from configs.store_address import without_secrets
from pipeline.errors import Interrupted
from pipeline.tracking import finding, link
from pipeline.tracking.journal import Journal
from pipeline.tracking.names import accepted
from pipeline.tracking.sending import Sender
from pipeline.tracking.system_metrics import PREFIX, SystemMetrics

END_SECONDS = 60  # that the end of a training waits for a store that hangs

log = logging.getLogger("textmill")


class Run:
    """An MLflow run to log to. Everything returns at once; see `Sender` for what happens then.

    Args: background, whether to send while the job works; else only at its end.
    """

    def __init__(self, run_dir: Path, found: link.Link, background: bool) -> None:
        self.run_dir, self.link, self.id, self.uri = run_dir, found, found.run_id, found.uri
        self.journal, self.background = Journal(run_dir), background
        self.sender = Sender(self.journal, run_dir, self.uri, self.id)
        self.client = self.sender.client
        # A resumed job repeats the steps since its checkpoint, which should not be there twice. A
        # stage that runs again replaces its figures.
        self.logged_up_to = self.journal.last_steps() if background else {}

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Log values at a step, but for those that the job logged before it was stopped."""
        new = {
            name: float(value)
            for name, value in accepted(values).items()
            if step > self.logged_up_to.get(name, -1)
        }
        if new:
            self._say({"metrics": new, "step": step, "time": now()})

    def tags(self, values: Mapping[str, Any]) -> None:
        self._say({"tags": {name: str(value) for name, value in accepted(values).items()}})

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Log a file, or all files in a directory, to a folder of the run's artefacts."""
        self._say({"artifact": self._relative(path), "folder": folder})

    def status(self, status: str) -> None:
        self._say({"status": status, "time": now()})

    def finish(self, seconds: float | None = None) -> None:
        """Send what waits, but do not wait longer than so many seconds; say what is left."""
        self.sender.finish(seconds)
        if waiting := self.journal.waiting(self.id):
            log.warning(
                "MLflow at %s has not taken %d messages of %s: `textmill sync %s` sends them",
                *(without_secrets(self.uri), waiting, self.run_dir.name, self.run_dir),
            )

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path.resolve(), self.run_dir.resolve())

    def _say(self, message: dict[str, Any]) -> None:
        self.journal.add(message)
        if self.background:
            self.sender.start()


class Silent:
    """What every worker but the chief logs to."""

    id = uri = None

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        pass

    def tags(self, values: Mapping[str, Any]) -> None:
        pass

    def artifact(self, path: Path, folder: str | None = None) -> None:
        pass


@contextmanager
def open_run(recipe: Recipe, run_dir: Path, prepared: Path) -> Iterator[Run]:
    """The run of a training job: the one that `run_dir` links to unless that finished, else new.

    It ends FINISHED, FAILED when the block raises, and KILLED when the block is interrupted. Only
    a finished run is never gone on with.

    Raises:
        JobError: the store of a new run does not answer.
    """
    run = Run(run_dir, finding.of_training(recipe, run_dir, prepared), background=True)
    run.status("RUNNING")
    first = 1 + max((s for n, s in run.logged_up_to.items() if n.startswith(PREFIX)), default=-1)
    monitor = SystemMetrics(run.metrics, first)
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except (Interrupted, KeyboardInterrupt):
        status = "KILLED"
        raise
    finally:
        monitor.finish()
        run.status(status)
        run.finish(END_SECONDS)


@contextmanager
def reopen(recipe: Recipe, run_dir: Path) -> Iterator[Run]:
    """The run of a job that has trained, for what later stages add; its status stays as it is.

    What they add is sent when the block ends without an error.

    Raises:
        JobError: nothing was trained in `run_dir`.
    """
    run = Run(run_dir, finding.of_trained(recipe, run_dir), background=False)
    yield run
    run.finish()


def catch_up(recipe: Recipe, run_dir: Path) -> link.Link:
    """The link of a job that has trained, after its store was told what it has not got."""
    linked = link.read(run_dir)
    if linked is not None and linked.experiment_id is not None:
        file = link.local_file(linked.uri)
        there = file is None or file.is_file()
        if there and not Journal(run_dir).waiting(linked.run_id):
            return linked
    with reopen(recipe, run_dir) as run:
        return run.link


def now() -> int:
    return time.time_ns() // 1_000_000
