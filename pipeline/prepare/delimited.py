"""CSV and TSV: records of fields that a delimiter parts, with quotes around fields or without."""

import csv
import json
import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from configs.data import Quoting
from pipeline.errors import JobError
from pipeline.prepare import lines as reading
from pipeline.prepare.bad_records import FIELDS, TOO_LONG, Bad, Record, bad, not_encoded
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.files import checked_header
from pipeline.prepare.lines import Overlong, lines, text_lines

DELIMITERS = ",;\t|"  # that are looked for
BROKEN = "broken CSV"
UNCLOSED = "unclosed quote"
SWALLOWED = "inside an unclosed quote"
FIRST_LINES = 3  # of a bad record that are kept


class Form(NamedTuple):
    delimiter: str
    quoting: Quoting


FORMS = {"csv": Form(",", "double"), "tsv": Form("\t", "none")}


def form(kind: str, dialect: Dialect) -> Form:
    """How csv or tsv parts its fields, unless the dialect says otherwise."""
    usual = FORMS[kind]
    return Form(dialect.delimiter or usual.delimiter, dialect.quoting or usual.quoting)


def delimited_records(
    path: str, needed: tuple[str, ...], kind: str, dialect: Dialect
) -> Iterator[tuple[int, Record]]:
    """(line it begins on, record). Without a header line in the dialect, the first line is it."""
    written = form(kind, dialect)
    read = quoted_records if written.quoting == "double" else plain_records
    return read(path, needed, written.delimiter, dialect)


def plain_records(
    path: str, needed: tuple[str, ...], delimiter: str, dialect: Dialect
) -> Iterator[tuple[int, Record]]:
    """A line a record; quotes are text like any other."""
    names = dialect.header and checked_header(path, dialect.header, needed)
    for number, line in text_lines(path, dialect):
        if isinstance(line, Bad):
            yield number, line
            continue
        row = line.split(delimiter)
        if names is None:
            advice = hint(line, needed, Form(delimiter, "none"))
            names = checked_header(path, row, needed, advice)
        elif len(row) == len(names):
            yield number, dict(zip(names, row, strict=True))
        else:
            yield number, bad(FIELDS, line)


def quoted_records(
    path: str, needed: tuple[str, ...], delimiter: str, dialect: Dialect
) -> Iterator[tuple[int, Record]]:
    """RFC 4180: quotes may hold delimiters, doubled quotes and line ends.

    A quote that is not closed makes a record of all lines up to the next quote. Where most of
    these are whole records by themselves, they are read as such. Else each of them is bad, and so
    is what follows up to the next record with quotes as they should be.
    """
    csv.field_size_limit(reading.LONGEST_RECORD)
    feed = Feed(path, dialect)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    names = dialect.header and checked_header(path, dialect.header, needed)
    lost = False  # whether the last record was given up
    while True:
        start, wrong, row = feed.begin(), "", []
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            wrong = TOO_LONG if "field limit" in str(error) else BROKEN
        except TooLong:
            wrong = TOO_LONG
        if names is None and wrong:
            raise JobError(f"{path}:1: the header line cannot be read ({wrong}): correct it")
        if names is None and row:
            advice = hint(feed.taken[0], needed, Form(delimiter, "double"))
            if feed.trouble:
                advice = f"its first line is {feed.trouble}: set data.encoding"
            names = checked_header(path, row, needed, advice)
        elif row and len(row) == len(names or ()) and not feed.trouble:
            if lost and not whole_record(delimiter, len(row)).fullmatch("".join(feed.taken)):
                yield start, bad(SWALLOWED, feed.taken[0])
                continue
            lost = False
            yield start, dict(zip(names or (), row, strict=True))
        elif row or wrong or feed.trouble:
            fields = len(names or ())
            wrong = wrong or (FIELDS if len(row) != fields else "")
            found = list(_broken(feed, start, wrong, whole_record(delimiter, fields)))
            lost = len(found) > 1
            yield from found


def _broken(feed: "Feed", start: int, wrong: str, whole: re.Pattern) -> Iterator[tuple[int, Bad]]:
    """What is bad of the lines that were taken; those to be read again are given back."""
    first, *rest = feed.taken
    records = sum(bool(whole.fullmatch(line)) for line in rest)
    if wrong and 2 * records > len(rest):
        then = "which are read as records of their own"
        yield start, _unclosed(UNCLOSED, first, rest, then)
        feed.give_back()
    elif wrong not in ("", FIELDS) and (rest or feed.ended):
        reason = wrong if wrong == TOO_LONG else UNCLOSED
        yield start, _unclosed(reason, first, rest, "none of which can be used")
        for number, line in enumerate(rest, start + 1):
            yield number, bad(SWALLOWED, line)
    else:
        yield start, bad(feed.trouble or wrong, "".join(feed.taken[:FIRST_LINES]))


def _unclosed(reason: str, first: str, rest: list[str], then: str) -> Bad:
    lines = f"{len(rest):,} more line{'s' * (len(rest) != 1)}"
    detail = "a quote opens here" + (f" and swallows {lines}, {then}" if rest else "")
    return bad(reason, first)._replace(detail=detail)


def whole_record(delimiter: str, fields: int) -> re.Pattern:
    """A record as RFC 4180 has it: no quotes in fields that are not quoted."""
    mark = re.escape(delimiter)
    field = rf'(?:"[^"]*(?:""[^"]*)*"|[^"\r\n{mark}]*)'
    return re.compile(rf"{field}(?:{mark}{field}){{{max(0, fields - 1)}}}\r*\n?")


def hint(line: str, needed: tuple[str, ...], written: Form) -> str:
    """The settings with which a header line has the needed columns, if there are some."""
    found = form_with(line, needed, written)
    if found is None:
        return "is it UTF-16? Set data.encoding to utf-16-le or utf-16-be" if "\0" in line else ""
    said = [f"data.delimiter: {json.dumps(found.delimiter)}"]
    said = said * (found.delimiter != written.delimiter)
    said += [f"data.quoting: {found.quoting}"] * (found.quoting != written.quoting)
    return f"did you mean {' and '.join(said)}?"


def form_with(line: str, needed: tuple[str, ...], usual: Form) -> Form | None:
    """The form in which a header line has the needed columns, the usual one if that is one."""
    others: tuple[Quoting, ...] = ("none", "double")
    for quoting in sorted(others, key=lambda quoting: quoting != usual.quoting):
        for delimiter in (usual.delimiter, *DELIMITERS):
            if set(needed) <= set(_fields(line, Form(delimiter, quoting))):
                return Form(delimiter, quoting)
    return None


def _fields(line: str, written: Form) -> list[str]:
    if written.quoting == "none":
        return line.rstrip("\r\n").split(written.delimiter)
    try:
        return next(csv.reader([line], delimiter=written.delimiter, strict=True), [])
    except csv.Error:
        return []


class TooLong(Exception):
    """A record of more than LONGEST_RECORD bytes."""


class Feed:
    """The lines of a file as text, for a reader that may have to go back.

    `taken`: lines of the record being read; `trouble`: what is wrong with one of them, or "";
    `ended`: whether the file ended in it.
    """

    def __init__(self, path: str, dialect: Dialect):
        self.encoding = dialect.encoding
        self.lines = lines(path, dialect)
        self.returned: deque[bytes] = deque()
        self.read: list[bytes] = []
        self.taken: list[str] = []
        self.next_line = 1
        self.size, self.trouble, self.ended = 0, "", False

    def begin(self) -> int:
        """Begin with another record; the line that it begins on."""
        self.next_line += len(self.taken)
        self.read.clear()
        self.taken.clear()
        self.size, self.trouble, self.ended = 0, "", False
        return self.next_line

    def give_back(self) -> None:
        """All lines of the record but the first."""
        self.returned.extendleft(reversed(self.read[1:]))
        del self.read[1:], self.taken[1:]

    def __iter__(self) -> "Feed":
        return self

    def __next__(self) -> str:
        try:
            line = self.returned.popleft() if self.returned else next(self.lines)
        except StopIteration:
            self.ended = True
            raise
        self.read.append(line)
        self.size += len(line)
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            self.trouble = self.trouble or not_encoded(self.encoding)
            text = line.decode("utf-8", "backslashreplace")
        self.taken.append(text)
        if isinstance(line, Overlong) or self.size > reading.LONGEST_RECORD:
            self.trouble = self.trouble or TOO_LONG
            raise TooLong
        return text
