"""A first look at training files, read just as `prepare` reads them."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from configs.data import Data
from configs.tasks import Task
from pipeline.errors import JobError
from pipeline.prepare import checks, files, nested, sources, tables
from pipeline.prepare.bad_records import Bad, Record
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.label_values import as_list

# Enough to choose settings from, and read in seconds.
MOST = 200_000  # records
MOST_CHARACTERS = 1 << 24
# Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, Kana, Han.
SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
# Near enough to the word tokenizer.
WORD = re.compile(rf"[{SPACELESS}]|[^\W{SPACELESS}]+|[^\w\s]")
TAG = re.compile(r"</?[A-Za-z][^<>]*>")


@dataclass
class Look:
    """What the first records hold; `whole` if there are no more.

    `lengths` are in words, of the longer text of a pair, and `together` of both.
    """

    bad: Counter[str] = field(default_factory=Counter)  # reason -> records
    labels: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    repeated: int = 0
    tagged: int = 0
    whole: bool = True

    @property
    def examples(self) -> int:
        return len(self.lengths)


def look(data: Data, task: Task) -> Look:
    """Look at the training files.

    Raises:
        JobError: they cannot be read, or hold no usable record.
    """
    check, found, texts = checks.checker(task, ()), Look(), set()
    records = _records(data, (*checks.text_columns(task), *checks.label_columns(task)))
    characters = 0
    for record in islice(records, MOST):
        checked = check(record)
        if isinstance(checked, Bad):
            found.bad[checked.reason] += 1
            continue
        words = [_words(text.decode()) for text in checked.texts]
        if checked.words:
            words = [[word.decode().lower() for word in checked.words]]
        found.words.update(chain.from_iterable(words))
        found.lengths.append(max(map(len, words)))
        found.together.append(sum(map(len, words)))
        found.repeated += checked.texts in texts
        found.tagged += any(TAG.search(text.decode()) for text in checked.texts)
        texts.add(checked.texts)
        if isinstance(checked.label, tuple):
            found.labels.update(checked.label)
        characters += sum(map(len, checked.texts))
        if characters > MOST_CHARACTERS:
            break
    found.whole = next(records, None) is None
    if not found.lengths:
        reasons = ", ".join(f"{n:,} with {reason}" for reason, n in found.bad.most_common())
        raise JobError(f"{', '.join(data.train)}: no usable row ({reasons or 'the file is empty'})")
    return found


def columns(pattern: str, data: Data) -> list[str]:
    """The columns of a file, or of the first file with records of those that a pattern matches.

    Those inside of others are named with dots.
    """
    for source in files.matching((pattern,)):
        kind = files.format_of(source.path, data.format)
        if kind in ("parquet", "arrow"):
            return tables.names(source.path, kind)
        for _, record in sources.read(source.path, kind, (), dialect=Dialect.of(data)):
            if isinstance(record, dict):
                return list(nested.paths(record))
    return []


def values(data: Data, column: str) -> list[Any]:
    """What stands in a column, the first MOST of it."""
    return list(islice(_values(data, column), MOST))


def holds_lists(data: Data, column: str) -> bool:
    """Whether a column's first value is a list, if written out, as where words are given."""
    return as_list(next(iter(_values(data, column)), None)) is not None


def _values(data: Data, column: str) -> Iterator[Any]:
    for record in _records(data, (column,)):
        if isinstance(record, dict) and record.get(column) not in (None, ""):
            yield record[column]


def _words(text: str) -> list[str]:
    return WORD.findall(TAG.sub(" ", text).lower())


def _records(data: Data, needed: tuple[str, ...]) -> Iterator[Record]:
    for source in files.matching(data.train):
        kind = files.format_of(source.path, data.format)
        for _, record in sources.read(source.path, kind, needed, dialect=Dialect.of(data)):
            yield record
