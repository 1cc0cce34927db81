"""How a text file is written: its encoding, its line ends, and what parts its fields."""

import codecs
import re
from dataclasses import dataclass, replace
from typing import Self

from configs.data import Data, Quoting
from pipeline.errors import JobError
from pipeline.prepare.files import opened

HEAD = 1 << 16  # bytes of a file that say how it is written
# Longer marks first: that of UTF-32 begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# So many characters of another encoding are not valid UTF-8 by chance: of two bytes in Chinese
# GBK about 8% are, https://en.wikipedia.org/wiki/Bush_hid_the_facts tells of shorter texts.
CERTAIN = 8


@dataclass(frozen=True)
class Dialect:
    """The settings of `configs.data.Data` that go by the same names, and what a file itself says.

    `carriage_returns`: lines end in CR alone, as those of old Macs do.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    quoting: Quoting | None = None
    header: tuple[str, ...] | None = None
    carriage_returns: bool = False

    @classmethod
    def of(cls, data: Data) -> Self:
        return cls(data.encoding, data.delimiter, data.quoting, data.header)

    @property
    def is_utf8(self) -> bool:
        return codecs.lookup(self.encoding).name == "utf-8"


def seen(path: str, declared: Dialect, quotes: bool) -> Dialect:
    """What is declared, corrected by what the file's first bytes say beyond doubt.

    A byte order mark names its encoding.

    Args: quotes, whether line ends between quotes are no line ends.

    Raises:
        JobError: the file cannot be read, or is UTF-8 where another encoding is declared.
    """
    with opened(path) as file:
        head = file.read(HEAD)
    marked = next((MARKS[mark] for mark in MARKS if head.startswith(mark)), None)
    found = replace(declared, encoding=marked or declared.encoding)
    if not marked and not found.is_utf8 and _certainly_utf8(head):
        raise JobError(
            f"{path}: the file is UTF-8, and data.encoding says {found.encoding}: set data.encoding"
            " to utf-8, or write all files in one encoding"
        )
    text = codecs.getincrementaldecoder(found.encoding)("replace").decode(head)
    return replace(found, carriage_returns=_ends_in_carriage_returns(text, quotes))


def _certainly_utf8(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return sum(not character.isascii() for character in text) >= CERTAIN


def _ends_in_carriage_returns(head: str, quotes: bool) -> bool:
    """Whether a CR comes without a line feed, and no line feed before it."""
    if quotes:
        head = re.sub('"[^"]*"', "", head).partition("\n")[0]
    return "\n" not in head and re.search(r"\r[^\r\n]", head) is not None
