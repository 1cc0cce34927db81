"""A record -> the example it stands for, or why it cannot be one."""

from collections.abc import Callable
from typing import Any, NamedTuple

from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Tag, Task
from pipeline.prepare.bad_records import NOT_UTF8, Bad, Record, Refused, bad
from pipeline.prepare.label_values import as_list, is_missing, label_reader, spelling
from pipeline.prepare.right_answers import Answer, right_answers
from pipeline.text import schemes

EMPTY_TEXT = "empty text"
MISSING = "missing column"
NO_SPANS = (
    "a tag is not O, B-x, I-x, E-x or S-x: should task.scheme be plain, or task.label_names name"
    " its tags?"
)


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
    text_names, label_name = text_columns(task), getattr(task, "label", None)
    label_of = label_reader(task)
    given = isinstance(task, Tag)

    def check(record: Record) -> Checked | Bad:
        if isinstance(record, Bad):
            return record
        try:
            texts = tuple([value_in(record, column) for column in text_names])
            words = word_list(texts[0]) if given else ()
            label = label_of(None if label_name is None else value_in(record, label_name))
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
            answers = right_answers(value_in(record, task.answers), str(texts[1]), task.impossible)
            named = b"" if task.id is None else spelling(value_in(record, task.id)).encode("utf-8")
            return checked._replace(answers=answers, id=named)
        except Refused as refused:
            return bad(str(refused), record)
        except UnicodeEncodeError:  # JSON can spell half a surrogate pair
            return bad(NOT_UTF8, record)

    return check


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
        raise Refused("words are not a list of strings")
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
