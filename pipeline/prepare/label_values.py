"""What stands in a column of labels -> the names there, or a number."""

import ast
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from configs.tasks import (
    Classify,
    LanguageModel,
    MaskedLanguageModel,
    Multilabel,
    Regress,
    Span,
    Tag,
    Task,
)
from pipeline.prepare.bad_records import Refused

MISSING_LABEL = "missing label"

Names = Mapping[str, str | None]
# A list as Python and NumPy write it: between strings, or numbers, stand commas or only spaces.
# Nothing is tried twice, so that a long value takes no longer than its length.
_QUOTED = r"'(?:[^'\\]|\\.)*+'" + "|" + r'"(?:[^"\\]|\\.)*+"'
_BARE = r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?|[-+]?\.\d+|None|nan|True|False"
_ITEM = re.compile(rf"(?:({_QUOTED})|({_BARE}))(?=[\s,]|$)\s*+(?:,\s*+)?", re.DOTALL)
_SAID = {"None": None, "nan": None, "True": True, "False": False}


def label_reader(task: Task) -> Callable[[Any], tuple[str, ...] | float]:
    """The function from a value to what it says; it raises `Refused` where that is nothing."""
    called: Names = getattr(task, "label_names", None) or {}
    match task:
        case Classify():
            return lambda value: (name(value, called),)
        case Multilabel():
            return lambda value: names(value, task.separator, called)
        case Regress():
            return lambda value: number(value, task.decimal)
        case Tag():
            return lambda value: tags(value, called)
        case LanguageModel() | MaskedLanguageModel() | Span():
            return lambda value: ()
        case _:
            assert_never(task)


def is_missing(value: Any) -> bool:
    """Whether there is nothing: null, NaN (pandas's null), or an empty text."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def spelling(value: Any) -> str:
    """A label as a string, each run of whitespace in it one space: 1 is "1", true is "true"."""
    if is_missing(value):
        raise Refused(MISSING_LABEL)
    if not isinstance(value, str | int | float):
        raise Refused("label is neither a string nor a number")
    found = str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())
    found.encode("utf-8")
    return found


def name(value: Any, called: Names) -> str:
    """What a label is called. Args: called, other names that some have; None is no label."""
    found = spelling(value)
    new = called.get(found, found)
    if new is None:
        raise Refused(MISSING_LABEL)
    return new


def names(value: Any, separator: str, called: Names) -> tuple[str, ...]:
    """The names in order of spelling, each once; a text may have none."""
    if isinstance(value, str) and not value.strip():
        return ()
    if is_missing(value):
        raise Refused(MISSING_LABEL)
    parts = as_list(value)
    if parts is None:
        parts = str(value).split(separator)
    return tuple(sorted({name(part, called) for part in parts}))


def tags(value: Any, called: Names) -> tuple[str, ...]:
    """The names, one for each word."""
    parts = as_list(value)
    if parts is None:
        raise Refused(MISSING_LABEL if is_missing(value) else "labels are not a list")
    return tuple([name(part, called) for part in parts])


def number(value: Any, decimal: str) -> float:
    """Any finite number that float32 can hold."""
    if is_missing(value):
        raise Refused(MISSING_LABEL)
    if decimal == "," and isinstance(value, str):
        value = "" if "." in value else value.replace(",", ".")
    try:
        got = math.nan if isinstance(value, bool) or "_" in str(value) else float(value)
    except (TypeError, ValueError, OverflowError):
        got = math.nan
    if not abs(got) < 3.4028235e38:  # false for nan too
        raise Refused("label is not a number")
    return got


def as_list(value: Any) -> list[Any] | None:
    """A list, as it is or written out: "['a', 'b']"; None if the value is neither."""
    if isinstance(value, list):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        return list(json.loads(text))
    except (ValueError, RecursionError):
        return _written_by_python(text)


def _written_by_python(text: str) -> list[Any] | None:
    found: list[Any] = []
    inside, place = text[1:-1].strip(), 0
    while place < len(inside):
        item = _ITEM.match(inside, place)
        if item is None:
            return None
        found.append(_unquoted(item[1]) if item[1] else _SAID.get(item[2], item[2]))
        place = item.end()
    return found


def _unquoted(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (SyntaxError, ValueError):  # a backslash that Python does not know
        return text[1:-1]
