"""The lines of a text file of any encoding, as UTF-8, and never too much of it in memory."""

import codecs
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from pipeline.prepare.bad_records import TOO_LONG, Bad, bad, not_encoded
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.files import damaged, open_file

# A file without line ends, or a quote that is never closed, must not end up in memory whole.
LONGEST_RECORD = 1 << 24
UNREADABLE = "textmill.unreadable"  # an error handler: bytes that are in no UTF-8, in either way


class Overlong(bytes):
    """The beginning of a line of more than LONGEST_RECORD bytes."""


def lines(path: str, dialect: Dialect) -> Iterator[bytes]:
    """The lines of a file in UTF-8, with their ends. Without a byte order mark.

    Only line feeds end a line or, where the dialect says so, carriage returns. What cannot be
    decoded becomes bytes that are not UTF-8.

    Args: dialect, as `dialects.seen` gives it.

    Raises:
        JobError: the file cannot be read to its end.
    """
    number = 0
    with damaged(lambda: f"{path}:{number + 1}"), open_utf8(path, dialect) as file:
        for line in iter(lambda: file.readline(LONGEST_RECORD), b""):
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if len(line) == LONGEST_RECORD and not line.endswith(b"\n"):
                yield Overlong(line[:1000])
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_RECORD)
            else:
                yield line


def text_lines(path: str, dialect: Dialect, blank: bool = False) -> Iterator[tuple[int, str | Bad]]:
    """(number from 1, line without its end). Args: blank, whether of blank lines, too."""
    for number, line in enumerate(lines(path, dialect), 1):
        if isinstance(line, Overlong):
            yield number, bad(TOO_LONG, bytes(line))
        elif blank or line.strip(b" \r\n"):
            try:
                yield number, line.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError:
                yield number, bad(not_encoded(dialect.encoding), line)


def open_utf8(path: str, dialect: Dialect) -> BinaryIO:
    """Open for reading bytes of UTF-8."""
    file = open_file(path)
    if dialect.is_utf8 and not dialect.carriage_returns:
        return file
    return io.BufferedReader(Transcoded(file, dialect), 1 << 20)


class Transcoded(io.RawIOBase):
    """The text of a file as UTF-8 with line feeds."""

    def __init__(self, file: BinaryIO, dialect: Dialect):
        self.file = file
        self.decoder: Any = codecs.getincrementaldecoder(dialect.encoding)(UNREADABLE)
        if dialect.carriage_returns:
            self.decoder = io.IncrementalNewlineDecoder(self.decoder, translate=True)
        self.waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.waiting:
            read = self.file.read(1 << 16)
            self.waiting = self.decoder.decode(read, not read).encode("utf-8", UNREADABLE)
            if not read:
                break
        size = min(len(buffer), len(self.waiting))
        buffer[:size], self.waiting = self.waiting[:size], self.waiting[size:]
        return size

    def close(self) -> None:
        self.file.close()
        super().close()


def _unreadable(error: UnicodeError) -> tuple[str | bytes, int]:
    match error:
        case UnicodeDecodeError():
            return "\udcff", error.end
        case UnicodeEncodeError():
            return b"\xff", error.end
    raise error


codecs.register_error(UNREADABLE, _unreadable)
