"""Files of ten formats -> records, each with the line it starts on; broken ones are marked so.

A record is a dict of column name -> value. Blank lines are no records, an empty file has none.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial

from pipeline.prepare import nested
from pipeline.prepare.bad_records import TOO_LONG, Bad, Record, bad
from pipeline.prepare.conll import conll_records, conllu_records
from pipeline.prepare.delimited import FORMS, delimited_records, form
from pipeline.prepare.dialects import Dialect, seen
from pipeline.prepare.files import checked_header
from pipeline.prepare.lines import LONGEST_RECORD, text_lines
from pipeline.prepare.squad import squad_records
from pipeline.prepare.tables import table_records

UTF8 = Dialect()


def read(
    path: str,
    kind: str,
    needed: tuple[str, ...],
    others: bool = False,
    dialect: Dialect = UTF8,
    blank: bool = False,
) -> Iterator[tuple[int, Record]]:
    """Yield (line, record); for tables the line is the row, for SQuAD the question, from 1.

    Args:
        kind: csv, tsv, jsonl, parquet, arrow, text, document, conll, conllu or squad.
        needed: columns that the file must have; more may come along. A field inside of a column of
            JSONL or a table is named with dots: doc.body.
        others: whether all others come along from tables too, where each costs time.
        dialect: how text files are written, as the recipe says it.
        blank: whether a blank line of a text file is a record, too.

    Raises:
        JobError: the file cannot be read, or lacks a needed column altogether.
    """
    if kind in ("parquet", "arrow"):
        return table_records(path, needed, kind, others)
    readers: dict[str, Callable[..., Iterator[tuple[int, Record]]]] = {
        "csv": partial(delimited_records, kind="csv"),
        "tsv": partial(delimited_records, kind="tsv"),
        "jsonl": jsonl_records,
        "text": partial(text_records, blank=blank),
        "document": document_records,
        "conll": conll_records,
        "conllu": conllu_records,
        "squad": squad_records,
    }
    quotes = kind in FORMS and form(kind, dialect).quoting == "double"
    return readers[kind](path, needed, dialect=seen(path, dialect, quotes))


def jsonl_records(
    path: str, needed: tuple[str, ...], dialect: Dialect
) -> Iterator[tuple[int, Record]]:
    """One JSON object a line."""
    for number, line in text_lines(path, dialect):
        if isinstance(line, Bad):
            yield number, line
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            yield number, nested.with_paths(record, needed)
        else:
            yield number, bad("broken JSON", line)


def text_records(
    path: str, needed: tuple[str, ...], dialect: Dialect, blank: bool
) -> Iterator[tuple[int, Record]]:
    """A line a record, with the single column `text`."""
    checked_header(path, ["text"], needed)
    for number, line in text_lines(path, dialect, blank):
        yield number, line if isinstance(line, Bad) else {"text": line}


def document_records(
    path: str, needed: tuple[str, ...], dialect: Dialect
) -> Iterator[tuple[int, Record]]:
    """The whole file as one record, with the single column `text`; none if it is blank."""
    checked_header(path, ["text"], needed)
    found: list[str] = []
    size = 0
    for number, line in text_lines(path, dialect):
        if isinstance(line, Bad):
            yield number, line
            return
        size += len(line) + 1
        if size > LONGEST_RECORD:
            yield number, bad(TOO_LONG, found[0])
            return
        found.append(line)
    if found:
        yield 1, {"text": "\n".join(found)}
