"""CoNLL and CoNLL-U files: a word and its columns a line, and a blank line after each sentence.

A record is a sentence: a dict of column name -> list with one value for each word. (The `conllu`
package would read the second format, but knows no line numbers.)
"""

import re
from collections.abc import Callable, Iterator, Sequence

from pipeline.prepare import files
from pipeline.prepare import lines as reading
from pipeline.prepare.bad_records import FIELDS, TOO_LONG, Record, bad, not_encoded
from pipeline.prepare.dialects import Dialect

DOCUMENT = "-DOCSTART-"  # says in files of CoNLL-2003 that another document begins
CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
WORD_NUMBER = re.compile(r"[0-9]+([-.][0-9]+)?")
# Columns where `_` says that nobody annotated the word. Elsewhere it is a value.
MAY_LACK = {"upos", "xpos", "head", "deprel"}

Rows = list[tuple[int, str]]  # the lines of a sentence with their numbers
Sentence = dict[str, list[str]]


class Broken(Exception):
    """Says at which line and for what reason a sentence cannot be used."""


def conll_records(
    path: str, needed: tuple[str, ...], dialect: Dialect
) -> Iterator[tuple[int, Record]]:
    """Columns are named by their places, from "1".

    The first line with a word that does not begin with `#` tells how all lines are read: parted by
    tabs if it has one, else by spaces, into so many columns. Lines before a sentence that begin
    with `# ` and do not have these columns are comments.
    """
    tabs, header = _form(path, dialect)
    if header:
        files.checked_header(path, header, needed)

    def fields(line: str) -> list[str]:
        return line.split("\t") if tabs else [field for field in line.split(" ") if field]

    def parse(lines: Rows) -> Sentence | None:
        rows = [(number, fields(line)) for number, line in lines]
        rows = [row for row in rows if row[1][0] != DOCUMENT]
        comments = 0
        for _, row in rows:
            if len(row) == len(header) or not re.match("#( |$)", " ".join(row)):
                break
            comments += 1
        return _columns(header, rows[comments:]) if rows[comments:] else None

    return _sentences(path, dialect, parse)


def _form(path: str, dialect: Dialect) -> tuple[bool, list[str]]:
    """Whether a file's fields are parted by tabs, and the names of its columns."""
    for line in reading.lines(path, dialect):
        if line.strip(b" \t\r\n") and not line.startswith((b"#", DOCUMENT.encode())):
            tabs = b"\t" in line
            row = line.split(b"\t") if tabs else line.split()
            return tabs, [str(i + 1) for i in range(len(row))]
    return False, []


def conllu_records(
    path: str, needed: tuple[str, ...], dialect: Dialect
) -> Iterator[tuple[int, Record]]:
    """Words as syntax has them: no ranges (1-2), which are spelled as one, no empty nodes (1.1).

    Source: https://universaldependencies.org/format.html
    """
    header = files.checked_header(path, list(CONLLU), needed)

    def parse(lines: Rows) -> Sentence | None:
        rows = [(n, line.split("\t")) for n, line in lines if not line.startswith("#")]
        if not rows:
            return None
        columns = _columns(header, rows)
        for (number, _), name in zip(rows, columns["id"], strict=True):
            if not WORD_NUMBER.fullmatch(name):
                raise Broken(number, "broken word number")
        words = [i for i, name in enumerate(columns["id"]) if name.isdecimal()]
        return {
            name: ["" if values[i] == "_" and name in MAY_LACK else values[i] for i in words]
            for name, values in columns.items()
        }

    return _sentences(path, dialect, parse)


def _columns(header: Sequence[str], rows: list[tuple[int, list[str]]]) -> Sentence:
    for number, row in rows:
        if len(row) != len(header):
            raise Broken(number, FIELDS)
    values = zip(*(row for _, row in rows), strict=True)
    return {name: list(column) for name, column in zip(header, values, strict=True)}


def _sentences(
    path: str, dialect: Dialect, parse: Callable[[Rows], Sentence | None]
) -> Iterator[tuple[int, Record]]:
    """(line it begins on, record) of each sentence; of a broken one the line where it is so."""
    for lines, trouble in _blocks(path, dialect):
        try:
            if trouble:
                raise Broken(*trouble)
            if record := parse(lines):
                yield lines[0][0], record
        except Broken as broken:
            number, reason = broken.args
            yield number, bad(reason, "\n".join(line for _, line in lines))


def _blocks(path: str, dialect: Dialect) -> Iterator[tuple[Rows, tuple[int, str] | None]]:
    """The lines between blank ones, and where and why these cannot be used."""
    block: Rows = []
    trouble: tuple[int, str] | None = None
    size = 0
    for number, line in enumerate(reading.lines(path, dialect), 1):
        if not line.strip(b" \t\r\n"):
            if block:
                yield block, trouble
            block, trouble, size = [], None, 0
            continue
        size += len(line)
        if isinstance(line, reading.Overlong) or size > reading.LONGEST_RECORD:
            trouble = trouble or (number, TOO_LONG)
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            trouble = trouble or (number, not_encoded(dialect.encoding))
            text = line.decode("utf-8", "backslashreplace")
        if size <= reading.LONGEST_RECORD or not block:
            block.append((number, text.removesuffix("\n").removesuffix("\r")))
    if block:
        yield block, trouble
