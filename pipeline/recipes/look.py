"""A first look at files, read just as `prepare` reads them.

All rows are counted, which takes a small part of the time that preparing them does. What takes
longer, such as finding the words, is done for a sample.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from configs.data import Data
from configs.tasks import Task
from pipeline.errors import JobError
from pipeline.prepare import checks, files, nested, sources, tables
from pipeline.prepare.bad_records import Bad, Record
from pipeline.prepare.checks import Checked
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.inputs import SPLITS
from pipeline.prepare.label_values import as_list
from pipeline.prepare.scanning import MOST_LABELS
from pipeline.progress import Lines
from pipeline.recipes.samples import Repeats, Sample

MOST_VALUES = 100_000  # of a column, to guess what it holds
MOST_CHARACTERS = 1 << 24  # of texts whose words are counted
TOLD = 1000  # rows from one look at the clock to the next
# Scripts that put no spaces between words: Thai, Lao, Tibetan, Myanmar, Khmer, Kana, Han.
SPACELESS = (
    "\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
# Marks inside of words, which \w leaves out: accents, points, Indic vowels; and joiners.
MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u200c\u200d"
# Near enough to the word tokenizer.
WORD = re.compile(rf"[{SPACELESS}]|(?:[^\W{SPACELESS}]|[{MARKS}])+|[^\w\s]")
LETTERS = re.compile(rf"(?:[^\W\d_]|[{SPACELESS}{MARKS}])+")
WITHOUT_SPACES = re.compile(f"[{SPACELESS}]+")
TAG = re.compile(r"</?[A-Za-z][^<>]*>")


@dataclass
class Look:
    """What files hold.

    Counted in all rows: `examples`, which can be used, those that are `bad`, by reason, with the
    file and line of the first in `first_bad`, and the `labels`; `repeated` texts are estimated
    where there are very many. The rest is of a sample, `share` of the examples: `words`, `lengths`
    in words, of the longer text of a pair, `together` of both, how many texts are `tagged`, and how
    many `letters` there are, `spaceless` of them in scripts that put no spaces between words.
    """

    examples: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    first_bad: dict[str, str] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    share: float = 1.0
    words: Counter[str] = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    tagged: int = 0
    letters: int = 0
    spaceless: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing is estimated."""
        return self.share == 1.0

    @property
    def num_words(self) -> int:
        """In all texts, about."""
        return round(self.words.total() / self.share)


def files_of(data: Data) -> dict[str, tuple[str, ...]]:
    """The files of the splits that have files of their own."""
    given = {split: getattr(data, split) for split in SPLITS}
    return {split: paths for split, paths in given.items() if isinstance(paths, tuple)}


def looks(data: Data, task: Task) -> dict[str, Look]:
    """`look` at the files of each of these splits."""
    return {split: look(paths, data, task) for split, paths in files_of(data).items()}


def look(paths: tuple[str, ...], data: Data, task: Task) -> Look:
    """Look at files of a split.

    Raises:
        JobError: they cannot be read, hold no usable record, or no labels worth the name.
    """
    check, found = checks.checker(task, ()), Look()
    sample, repeats = Sample(MOST_CHARACTERS), Repeats()
    needed = (*checks.text_columns(task), *checks.label_columns(task))
    for path, line, row in _records(paths, data, needed):
        record = check(row)
        if isinstance(record, Bad):
            found.bad[record.reason] += 1
            found.first_bad.setdefault(record.reason, f"{path}:{line}")
            continue
        found.examples += 1
        repeats.add(record.texts)
        sample.offer(record, sum(map(len, record.texts)))
        if isinstance(record.label, tuple):
            for label in record.label:
                found.labels[label] += 1
            if len(found.labels) > MOST_LABELS:
                raise JobError(
                    f"{', '.join(paths)}: more than {MOST_LABELS:,} distinct labels in column"
                    f" {needed[-1]!r}: is it the right one?"
                )
    if not found.examples:
        reasons = ", ".join(f"{n:,} with {reason}" for reason, n in found.bad.most_common())
        raise JobError(f"{', '.join(paths)}: no usable row ({reasons or 'the file is empty'})")

    found.repeated, found.share = repeats.number, sample.share
    for record in sample.items:
        _add_words(found, record)
    return found


def _add_words(found: Look, record: Checked) -> None:
    texts = [text.decode() for text in record.texts]
    words = [_words(text) for text in texts]
    if record.words:
        words = [[word.decode().lower() for word in record.words]]
    found.words.update(chain.from_iterable(words))
    found.lengths.append(max(map(len, words)))
    found.together.append(sum(map(len, words)))
    found.tagged += any(map(TAG.search, texts))
    found.letters += sum(len(run) for text in texts for run in LETTERS.findall(text))
    found.spaceless += sum(len(run) for text in texts for run in WITHOUT_SPACES.findall(text))


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
    """What stands in a column of the training files, or a sample of that."""
    sample = Sample(MOST_VALUES)
    for value in _values(data, column):
        sample.offer(value)
    return sample.items


def holds_lists(data: Data, column: str) -> bool:
    """Whether a column's first value is a list, if written out, as where words are given."""
    return as_list(next(iter(_values(data, column)), None)) is not None


def _values(data: Data, column: str) -> Iterator[Any]:
    for *_, record in _records(data.train, data, (column,)):
        if isinstance(record, dict) and record.get(column) not in (None, ""):
            yield record[column]


def _words(text: str) -> list[str]:
    return WORD.findall(TAG.sub(" ", text).lower())


def _records(
    paths: tuple[str, ...], data: Data, needed: tuple[str, ...]
) -> Iterator[tuple[str, int, Record]]:
    """File, line and record, of files; now and then it is told how many there were."""
    for source in files.matching(paths):
        kind = files.format_of(source.path, data.format)
        told = Lines(f"looked at rows of {source.path}")
        records = sources.read(source.path, kind, needed, dialect=Dialect.of(data))
        for number, (line, record) in enumerate(records, 1):
            yield source.path, line, record
            if number % TOLD == 0:
                told.advance(TOLD)
