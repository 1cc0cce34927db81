"""The right answers to a question, as parts of its context."""

from typing import Any, NamedTuple

import numpy as np

from pipeline.prepare.bad_records import Refused

START = ("start", "answer_start")  # the second is SQuAD's name


class Answer(NamedTuple):
    """`start` and `end` in the context, in code points."""

    text: str
    start: int
    end: int


def right_answers(value: Any, context: str, impossible: bool) -> tuple[Answer, ...]:
    """Check what a record's column of answers holds.

    Args:
        value: a list with a dict for each answer, of its `text` and its `start`; or a dict of lists
            of these, as tables have it.
        impossible: whether a question may have none.

    Raises:
        Refused: that is not so, or an answer does not stand where it is said to begin.
    """
    found = tuple([_answer(each, context) for each in _as_list(value)])
    if not found and not impossible:
        raise Refused("no answer: should task.impossible be true?")
    return found


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, dict) and all(isinstance(part, list) for part in value.values()):
        rows = zip(*value.values(), strict=False)
        return [dict(zip(value, row, strict=True)) for row in rows]
    if not isinstance(value, list):
        raise Refused("answers are not a list")
    return value


def _answer(value: Any, context: str) -> Answer:
    if not isinstance(value, dict):
        raise Refused("an answer is not an object with text and start")
    text, start = value.get("text"), next((value[key] for key in START if key in value), None)
    if not isinstance(text, str) or not isinstance(start, int) or isinstance(start, bool):
        raise Refused("an answer lacks its text or its start")
    if not text or text.isspace():
        raise Refused("empty answer")
    if start < 0 or context[start : start + len(text)] != text:
        raise Refused("an answer does not stand where its start says")
    return Answer(text, start, start + len(text))


def covered(start: int, end: int, begins: np.ndarray, ends: np.ndarray) -> list[int]:
    """The first and the last of a text's tokens that its part [start:end] has part of, if any.

    Args: begins, ends, where the tokens stand.
    """
    first = int(np.searchsorted(ends, start, "right"))
    last = int(np.searchsorted(begins, end, "left")) - 1
    return [first, last] if first <= last else []
