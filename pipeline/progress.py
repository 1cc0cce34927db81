"""How far a long piece of work has come: a bar on a terminal, a line now and then elsewhere.

Both go to standard error, so that standard output stays free for answers. Setting the level of the
logger "textmill" above INFO silences them: that is how all workers but the chief are kept quiet.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

SECONDS_BETWEEN_LINES = 10.0

log = logging.getLogger("textmill")


class Bar(Protocol):
    def advance(self, n: int = 1, **facts: Any) -> None:
        """Count `n` more as done; `facts`, such as loss=0.3, are shown beside the count."""


@contextmanager
def progress(description: str, total: int | None = None, done: int = 0) -> Iterator[Bar]:
    """Report on the work of the block: `with progress("train", steps) as bar: bar.advance(loss=x)`.

    Args: total, how much there is to do, in the unit of `advance`; None when nobody knows.
        done, how much of it was done before.
    """
    if sys.stderr.isatty() and log.isEnabledFor(logging.INFO):
        with _drawn(description, total, done) as bar:
            yield bar
    else:
        lines = Lines(description, total, done)
        yield lines
        lines.close()


class Lines:
    """The same as log lines, at most one every SECONDS_BETWEEN_LINES and one at the end."""

    def __init__(self, description: str, total: int | None = None, done: int = 0):
        self.description, self.total = description, total
        self.before = self.done = done
        self.facts: dict[str, Any] = {}
        self.start = self.told = time.monotonic()

    def advance(self, n: int = 1, **facts: Any) -> None:
        self.done += n
        self.facts |= facts
        now = time.monotonic()
        if now - self.told >= SECONDS_BETWEEN_LINES:
            self.told = now
            rate = (self.done - self.before) / (now - self.start)
            left = f", {(self.total - self.done) / rate:.0f} s left" if self.total and rate else ""
            self._tell(f", {rate:.3g}/s{left}")

    def close(self) -> None:
        self._tell(f" in {time.monotonic() - self.start:.1f} s")

    def _tell(self, pace: str) -> None:
        count = f"{self.done}/{self.total}" if self.total else f"{self.done}"
        log.info("%s: %s", self.description, ", ".join([count + pace, *_spelt(self.facts)]))


@contextmanager
def _drawn(description: str, total: int | None, done: int) -> Iterator[Bar]:
    from rich import progress as rich_progress
    from rich.console import Console

    drawing = rich_progress.Progress(
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(elapsed_when_finished=True),
        rich_progress.TextColumn("{task.fields[facts]}"),
        console=Console(stderr=True),
    )
    task = drawing.add_task(description, total=total, completed=done, facts="")

    known: dict[str, Any] = {}

    class Drawn:
        def advance(self, n: int = 1, **facts: Any) -> None:
            known.update(facts)
            drawing.update(task, advance=n, facts=", ".join(_spelt(known)))

    with drawing:
        yield Drawn()


def _spelt(facts: dict[str, Any]) -> list[str]:
    return [f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in facts.items()]
