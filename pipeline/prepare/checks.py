"""A record -> the example it stands for, or why it cannot be one."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Tag, Task
from pipeline.prepare.bad_records import NOT_UTF8, Bad, Record, Refused, bad
from pipeline.prepare.right_answers import Answer, right_answers
from pipeline.text import schemes

EMPTY_TEXT = "empty text"
MISSING = "missing column"


class Checked(NamedTuple):
    """`texts`: one, or both of a pair; words that are given are joined by spaces to make it.

    `label` is a tuple of names (for classify of one, for tag of one a word) or, for regress, a
    number. `answers` are the right ones to a question, whose `id` may be empty.
    """

    texts: tuple[bytes, ...]
    label: tuple[str, ...] | float
    columns: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    answers: tuple[Answer, ...] = ()
    id: bytes = b""


def text_columns(task: Task) -> tuple[str, ...]:
    """The columns that hold a task's texts."""
    if isinstance(task, Span):
        return task.question, task.context
    second: str | None = getattr(task, "second", None)
    return (task.text,) if second is None else (task.text, second)


def label_columns(task: Task) -> tuple[str, ...]:
    """The columns that hold a task's labels, if it has any."""
    if isinstance(task, Span):
        return (task.answers,) if task.id is None else (task.answers, task.id)
    return () if isinstance(task, LanguageModel | MaskedLanguageModel) else (task.label,)


def checker(task: Task, columns: tuple[str, ...]) -> Callable[[Record], Checked | Bad]:
    """Make the function that checks records of a task, with the extra columns to carry along."""
    text_names, label_name = text_columns(task), getattr(task, "label", "")
    label_of, separator = LABELS[task.kind], getattr(task, "separator", "")
    given = isinstance(task, Tag)

    def check(record: Record) -> Checked | Bad:
        if isinstance(record, Bad):
            return record
        try:
            texts = tuple([record.get(column) for column in text_names])
            words = word_list(texts[0]) if given else ()
            label = label_of(record.get(label_name), separator)
            if isinstance(task, Tag) and isinstance(label, tuple):
                label = spelled(label, len(words), task)
            checked = Checked(
                (b" ".join(words),) if given else tuple(map(text_bytes, texts)),
                label,
                tuple([carried(record.get(column)) for column in columns]),
                words,
            )
            if not isinstance(task, Span):
                return checked
            answers = right_answers(record.get(task.answers), str(texts[1]), task.impossible)
            named = b"" if task.id is None else name(record.get(task.id)).encode("utf-8")
            return checked._replace(answers=answers, id=named)
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


def word_list(value: Any) -> tuple[bytes, ...]:
    """The words of a sentence. Some may be nothing but whitespace, as they are in real files."""
    if value is None:
        raise Refused(MISSING)
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise Refused("words are not a list of strings")
    if not all(value):
        raise Refused("empty word")
    if not value:
        raise Refused(EMPTY_TEXT)
    return tuple([word.encode("utf-8") for word in value])


def no_label(value: Any, separator: str) -> tuple[str, ...]:
    return ()


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


def tag_labels(value: Any, separator: str) -> tuple[str, ...]:
    """The names, one for each word."""
    if value is None:
        raise Refused(MISSING)
    if not isinstance(value, list):
        raise Refused("labels are not a list")
    return tuple([name("" if part is None else part) for part in value])


def spelled(tags: tuple[str, ...], num_words: int, task: Tag) -> tuple[str, ...]:
    """The tags of as many words, with their spans spelled as the task's scheme has it."""
    if len(tags) != num_words:
        raise Refused("not as many labels as words")
    if task.scheme == "plain":
        return tags
    if not all(map(schemes.spells_spans, tags)):
        raise Refused("a tag is not O, B-x, I-x, E-x or S-x: should task.scheme be plain?")
    return tuple(schemes.convert(tags, task.scheme))


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
    "tag": tag_labels,
    "language_model": no_label,
    "masked_language_model": no_label,
    "span": no_label,
}
