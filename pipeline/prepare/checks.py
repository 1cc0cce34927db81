"""A record -> the example it stands for, or why it cannot be one."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Tag, Task
from pipeline.prepare.bad_records import NOT_UTF8, Bad, Record, Refused, bad
from pipeline.prepare.entities import Entity, possible_tags, read_entity
from pipeline.prepare.label_values import (
    MISSING_LABEL,
    as_list,
    is_missing,
    label_reader,
    spelling,
)
from pipeline.prepare.right_answers import Answer, right_answers
from pipeline.text import schemes

EMPTY_TEXT = "empty text"
MISSING = "missing column"
NO_WORDS = "words are not a list of strings"
NO_SPANS = (
    "a tag is not O, B-x, I-x, E-x or S-x: should task.scheme be plain, or task.label_names name"
    " its tags?"
)


class Checked(NamedTuple):
    """`texts`: one, or both of a pair; words that are given are joined by spaces to make it.

    `label` is a tuple of names (for classify of one, for tag of one a word) or, for regress, a
    number. `answers` are the right ones to a question, whose `id` may be empty. `entities` stand in
    a text to tag that is still to be cut into words, and has no more than possible tags until then;
    `notes` say what was changed of them.
    """

    texts: tuple[bytes, ...]
    label: tuple[str, ...] | float = ()
    columns: tuple[bytes, ...] = ()
    words: tuple[bytes, ...] = ()
    answers: tuple[Answer, ...] = ()
    id: bytes = b""
    entities: tuple[Entity, ...] | None = None
    notes: tuple[str, ...] = ()


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
    read = reader(task)

    def check(record: Record) -> Checked | Bad:
        if isinstance(record, Bad):
            return record
        try:
            checked = read(record)
            return checked._replace(columns=tuple([carried(record.get(c)) for c in columns]))
        except Refused as refused:
            return bad(str(refused), record)
        except UnicodeEncodeError:  # JSON can spell half a surrogate pair
            return bad(NOT_UTF8, record)

    return check


def reader(task: Task) -> Callable[[dict[str, Any]], Checked]:
    """The function from a record of columns to the example; it raises `Refused` if it is none."""
    if isinstance(task, Span):
        return partial(question, task=task)
    label_of = label_reader(task)
    if isinstance(task, Tag):
        return partial(to_tag, task=task, tags_of=label_of)
    text_names, label_names = text_columns(task), label_columns(task)

    def read(record: dict[str, Any]) -> Checked:
        texts = tuple([text_bytes(value_in(record, column)) for column in text_names])
        return Checked(texts, label_of(value_in(record, label_names[0])) if label_names else ())

    return read


def question(record: dict[str, Any], task: Span) -> Checked:
    texts = [value_in(record, column) for column in text_columns(task)]
    checked = Checked(tuple(map(text_bytes, texts)))
    answers = right_answers(value_in(record, task.answers), texts[1], task.impossible)
    named = b"" if task.id is None else spelling(value_in(record, task.id)).encode("utf-8")
    return checked._replace(answers=answers, id=named)


def to_tag(record: dict[str, Any], task: Tag, tags_of: Callable[[Any], Any]) -> Checked:
    """Words and their tags, or a text and entities by their places in it."""
    text, value = (value_in(record, column) for column in (task.text, task.label))
    if isinstance(text, str) and as_list(text) is None and not is_missing(text):
        entities = entities_in(text, value, task)
        return Checked((text_bytes(text),), possible_tags(entities), entities=entities)
    words = word_list(text)
    return Checked((b" ".join(words),), spelled(tags_of(value), len(words), task), words=words)


def entities_in(text: str, value: Any, task: Tag) -> tuple[Entity, ...]:
    listed = as_list(value)
    if listed is None and is_missing(value):
        raise Refused(MISSING_LABEL)
    if listed is None or any(isinstance(one, str) for one in listed):  # tags, of no words
        raise Refused(NO_WORDS)
    if task.scheme == "plain":
        raise Refused("entities are spans of words: task.scheme should not be plain")
    return tuple([read_entity(one, text, task.label_names or {}) for one in listed])


def value_in(record: dict[str, Any], column: str) -> Any:
    if column not in record:
        raise Refused(MISSING)
    return record[column]


def text_bytes(value: Any) -> bytes:
    if is_missing(value):
        raise Refused(EMPTY_TEXT)
    if not isinstance(value, str):
        raise Refused("text is not a string")
    return value.encode("utf-8")


def word_list(value: Any) -> tuple[bytes, ...]:
    """The words of a sentence. Some may be nothing but whitespace, as they are in real files."""
    words = as_list(value)
    if is_missing(value) or words == []:
        raise Refused(EMPTY_TEXT)
    if words is None or not all(isinstance(word, str) for word in words):
        raise Refused(NO_WORDS)
    if not all(words):
        raise Refused("empty word")
    return tuple([word.encode("utf-8") for word in words])


def spelled(tags: tuple[str, ...], num_words: int, task: Tag) -> tuple[str, ...]:
    """The tags of as many words, with their spans spelled as the task's scheme has it."""
    if len(tags) != num_words:
        raise Refused("not as many labels as words")
    if task.scheme == "plain":
        return tags
    if not all(map(schemes.spells_spans, tags)):
        raise Refused(NO_SPANS)
    return tuple(schemes.convert(tags, task.scheme))


def carried(value: Any) -> bytes:
    """An extra column's value as text; one that is not there, null or NaN, is empty."""
    return b"" if is_missing(value) else str(value).encode("utf-8")
