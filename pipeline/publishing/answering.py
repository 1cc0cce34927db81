"""One input file of `textmill predict`: its rows through the model, in parts that outlive a kill.

A worker streams the file, a thousand rows in memory at a time. Each part of PART rows is published
by itself, so that a job that was killed goes on behind those that it had finished.
"""

import functools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import artifacts
from pipeline.prepare import checks, dead_letters, sources
from pipeline.prepare.bad_records import NOT_UTF8, Bad, bad
from pipeline.prepare.batches import batched
from pipeline.prepare.dialects import Dialect
from pipeline.progress import Lines
from pipeline.publishing import answers
from pipeline.publishing.row_writers import Write, csv_writer, jsonl_writer

ROW, REASON = "predicted_row", "predicted_reason"  # columns of every output
PART = 50_000  # rows that a killed job may have to answer again
ROWS, LETTERS = "rows", "letters.jsonl"  # in the folder of a part

# Loaded once in each process that works.
loaded = functools.cache(answers.answerer)


@dataclass(frozen=True)
class Form:
    """How answers are written.

    Args: all_scores, whether with a score for each label; escape, see `row_writers`.
    """

    all_scores: bool = False
    escape: bool = True


@dataclass(frozen=True)
class Unit:
    """One input file; `columns` hold the texts: one, or both of a pair.

    `given`: whether a text may be there as a list of words, to be tagged as it is.
    """

    path: str
    kind: str
    dialect: Dialect
    columns: tuple[str, ...]
    given: bool
    separator: str  # joins several labels in a CSV field; without one a list is JSON there
    answers: tuple[str, ...]  # the columns of answers
    form: Form
    export_dir: Path
    output: str  # name of the file to write, with the ending .csv or .jsonl
    parts: Path  # folder for its parts
    mark: str  # stands for all that decides on the answers

    def part(self, number: int) -> Path:
        return self.parts / f"{number:05d}"

    def finished(self) -> int:
        """How many parts are done, the first ones."""
        return next(n for n in count() if not artifacts.finished(self.part(n), self.mark))


class Row(NamedTuple):
    """`number` counts a file's rows from 1, also those with `bad`, which says why of no answer."""

    number: int
    line: int
    record: dict[str, Any]
    asked: answers.Row
    bad: Bad | None = None


def answer_file(unit: Unit) -> dict[str, Any]:
    """Answer one file, but for the parts that are done, and return its counts."""
    rows, done = _rows(unit), unit.finished()
    told = Lines(f"answered {unit.path}")
    parts: list[dict[str, Any]] = []
    while not parts or parts[-1]["rows"] == PART:
        place, own = unit.part(len(parts)), islice(rows, PART)
        if len(parts) < done:
            deque(own, maxlen=0)
        else:
            _answer_part(unit, place, own, told)
        parts.append(artifacts.manifest(place))
    told.close()
    reasons = dead_letters.reasons(parts)
    return {
        "file": unit.path,
        "rows": sum(part["rows"] for part in parts),
        "dead_letters": dict(reasons),
        "unread": sum(part["unread"] for part in parts),
        "parts": len(parts),
    }


def _answer_part(unit: Unit, place: Path, rows: Iterator[Row], told: Lines) -> None:
    answer = loaded(unit.export_dir, unit.form.all_scores)
    facts: dict[str, Any] = {"rows": 0, "unread": 0}
    nothing = dict.fromkeys(unit.answers)
    with (
        artifacts.publish(place, unit.mark, facts) as folder,
        open(folder / ROWS, "w", encoding="utf-8", errors="backslashreplace", newline="") as file,
        dead_letters.Writer(folder / LETTERS, unit.path) as letters,
    ):
        write = _writer(unit, file, header=unit.part(0) == place)
        for batch in batched(rows, lambda row: sum(map(len, row.asked))):
            found = iter(answer([row.asked for row in batch if not row.bad]))
            for row in batch:
                answered, reason = nothing, None
                if row.bad:
                    reason = row.bad.reason
                    letters.write(row.line, row.bad)
                else:
                    answered = next(found)
                write({**row.record, ROW: row.number, **answered, REASON: reason})
                facts["unread"] += bool(answered.get("predicted_unread"))
            facts["rows"] += len(batch)
            told.advance(len(batch))
        facts["bad"] = dict(letters.reasons)


def _writer(unit: Unit, file: Any, header: bool) -> Write:
    """Where rows come with their columns, then ROW, the answer's and REASON."""
    added = (ROW, *unit.answers, REASON)
    if not unit.output.endswith(".csv"):
        return jsonl_writer(file)
    found = next((row.record for row in _rows(unit) if row.record), dict.fromkeys(unit.columns))
    names = list(dict.fromkeys([*found, *added]))
    return csv_writer(file, names, header, unit.separator, unit.form.escape)


def _rows(unit: Unit) -> Iterator[Row]:
    read = sources.read(
        unit.path, unit.kind, unit.columns, others=True, dialect=unit.dialect, blank=True
    )
    for number, (line, record) in enumerate(read, 1):
        if isinstance(record, Bad):
            yield Row(number, line, {}, (), record)
            continue
        try:
            values = [checks.value_in(record, column) for column in unit.columns]
            texts = tuple([_text(value, unit.given) for value in values])
            yield Row(number, line, record, texts)
        except checks.Refused as refused:
            yield Row(number, line, record, (), bad(str(refused), record))
        except UnicodeEncodeError:
            yield Row(number, line, record, (), bad(NOT_UTF8, record))


def _text(value: Any, given: bool) -> bytes | answers.Words:
    return (
        checks.word_list(value) if given and isinstance(value, list) else checks.text_bytes(value)
    )
