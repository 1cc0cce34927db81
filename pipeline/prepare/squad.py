"""SQuAD's own JSON files, of version 1.1 or 2.0: a question a record, counted from 1.

A file is one JSON value, often on one line, so a question has no line of its own; it is counted.
Sources: Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250; Rajpurkar et al. 2018,
https://arxiv.org/abs/1806.03822.
"""

import json
import lzma
from collections.abc import Iterator
from typing import Any

from pipeline.errors import JobError
from pipeline.prepare.bad_records import Record, bad
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.files import checked_header
from pipeline.prepare.lines import open_utf8

COLUMNS = ("id", "title", "question", "context", "answers")


def squad_records(
    path: str, needed: tuple[str, ...], dialect: Dialect
) -> Iterator[tuple[int, Record]]:
    """Records of COLUMNS, `answers` as `right_answers` wants them.

    Raises:
        JobError: the file cannot be read, is no JSON, or is no SQuAD.
    """
    checked_header(path, list(COLUMNS), needed)
    whole = _json(path, dialect)
    articles = whole.get("data") if isinstance(whole, dict) else None
    if not isinstance(articles, list):
        raise JobError(
            f"{path}:1: this is no file of SQuAD's, which has a list of articles under the key"
            " 'data': choose another data.format, such as jsonl"
        )
    for number, (title, context, question) in enumerate(_questions(articles), 1):
        yield number, _record(title, context, question)


def _json(path: str, dialect: Dialect) -> Any:
    try:
        with open_utf8(path, dialect) as file:
            return json.load(file)
    except json.JSONDecodeError as error:
        raise JobError(
            f"{path}:{error.lineno}: this is no JSON ({error.msg}, column {error.colno}); was the"
            " file cut off? Get it again"
        ) from error
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, RecursionError) as error:
        raise JobError(f"{path}:1: cannot be read ({error}): get the file again") from error


def _questions(articles: list[Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Title, context and question, None for what a damaged file lacks."""
    for article in articles:
        for paragraph in _list(article, "paragraphs"):
            for question in _list(paragraph, "qas"):
                yield _value(article, "title"), _value(paragraph, "context"), question


def _record(title: Any, context: Any, question: Any) -> Record:
    if not isinstance(question, dict):
        return bad("broken question", question)
    answers = question.get("answers")
    if question.get("is_impossible") is True:
        answers = []  # those of such a question are named plausible_answers
    named = {"id": question.get("id"), "title": title, "question": question.get("question")}
    return {**named, "context": context, "answers": answers}


def _value(place: Any, key: str) -> Any:
    return place.get(key) if isinstance(place, dict) else None


def _list(place: Any, key: str) -> list[Any]:
    """What is no list is one thing in the place of many, to be refused as one."""
    found = _value(place, key)
    return found if isinstance(found, list) else [found]
