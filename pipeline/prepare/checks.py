"""A record -> the example it stands for, or why it cannot be one."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from configs.tasks import Task
from pipeline.prepare.sources import NOT_UTF8, Bad, Record, bad

EMPTY_TEXT = "empty text"
MISSING = "missing column"


class Checked(NamedTuple):
    """`label` is a tuple of names (one of them for classify) or, for regress, a number."""

    text: bytes
    label: tuple[str, ...] | float
    columns: tuple[bytes, ...]


class Refused(Exception):
    """Carries the reason why a record is bad."""


def checker(task: Task, columns: tuple[str, ...]) -> Callable[[Record], Checked | Bad]:
    """Make the function that checks records of a task, with the extra columns to carry along."""
    label = LABELS[task.kind]
    separator = getattr(task, "separator", "")

    def check(record: Record) -> Checked | Bad:
        if isinstance(record, Bad):
            return record
        try:
            return Checked(
                text_bytes(record.get(task.text)),
                label(record.get(task.label), separator),
                tuple(carried(record.get(column)) for column in columns),
            )
        except Refused as refused:
            return bad(str(refused), record)
        except UnicodeEncodeError:  # JSON can spell half a surrogate pair
            return bad(NOT_UTF8, record)

    return check


def text_bytes(value: Any) -> bytes:
    if value is None:
        raise Refused(MISSING)
    if not isinstance(value, str):
        raise Refused("text is not a string")
    if not value or value.isspace():
        raise Refused(EMPTY_TEXT)
    return value.encode("utf-8")


def classify_label(value: Any, separator: str) -> tuple[str, ...]:
    return (name(value),)


def multilabel_label(value: Any, separator: str) -> tuple[str, ...]:
    """The names in order of spelling, each once; a text may have none."""
    if value is None:
        raise Refused(MISSING)
    if value == "":
        return ()
    parts = value if isinstance(value, list) else str(value).split(separator)
    return tuple(sorted({name(part) for part in parts}))


def name(value: Any) -> str:
    """A label as a string, the spaces around it gone: 1 is "1", true is "true"."""
    if value is None:
        raise Refused(MISSING)
    if not isinstance(value, (str, int, float)):
        raise Refused("label is neither a string nor a number")
    spelling = str(value).lower() if isinstance(value, bool) else str(value).strip()
    if not spelling:
        raise Refused("empty label")
    spelling.encode("utf-8")
    return spelling


def number(value: Any, separator: str) -> float:
    """Any finite number that float32 can hold."""
    if value is None:
        raise Refused(MISSING)
    try:
        got = math.nan if isinstance(value, bool) or "_" in str(value) else float(value)
    except (TypeError, ValueError, OverflowError):
        got = math.nan
    if not abs(got) < 3.4028235e38:  # false for nan too
        raise Refused("label is not a number")
    return got


def carried(value: Any) -> bytes:
    """An extra column's value as text; one that is not there is empty."""
    return b"" if value is None else str(value).encode("utf-8")


LABELS: dict[str, Callable[[Any, str], tuple[str, ...] | float]] = {
    "classify": classify_label,
    "multilabel": multilabel_label,
    "regress": number,
}
