"""Input files on any filesystem that Beam knows: which there are, their columns, their lines."""

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipeline.errors import JobError

# Beam's own decompression takes a file that was cut off for a whole one; these raise EOFError.
DECOMPRESS: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".txt": "text",
    ".conll": "conll",
    ".conllu": "conllu",
}
# A file without line ends, or a quote that is never closed, must not end up in memory whole.
LONGEST_RECORD = 1 << 24


class Overlong(bytes):
    """The beginning of a line of more than LONGEST_RECORD bytes."""


@dataclass(frozen=True)
class Source:
    path: str
    size: int


def matching(patterns: tuple[str, ...]) -> list[Source]:
    """The files of the patterns, in the patterns' order, those of one glob by name, each once.

    Raises:
        JobError: nothing matches a pattern.
    """
    found: dict[str, Source] = {}
    for pattern in patterns:
        try:
            matches = FileSystems.match([pattern])[0].metadata_list
        except (BeamIOError, ValueError) as error:
            raise JobError(f"cannot look for input files {pattern!r}: {error}") from error
        if not matches:
            raise JobError(
                f"no input file matches {pattern!r}: check the path (relative paths start where"
                " the command runs) and the glob"
            )
        for match in sorted(matches, key=lambda match: match.path):
            found.setdefault(match.path, Source(match.path, match.size_in_bytes))
    return list(found.values())


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to that becomes `path` at the end of the block.

    A runner may try a unit of work twice, even at the same time, and drop one of the two.
    """
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def name_of(path: str) -> str:
    return FileSystems.split(path)[1]


def format_of(path: str, declared: str) -> str:
    """The declared format, or for "auto" what the file's ending says.

    Raises:
        JobError: the ending is none we know.
    """
    if declared != "auto":
        return declared
    name, compression = _stem(path)
    for ending, kind in FORMATS.items():
        if name.endswith(ending):
            return kind
    raise JobError(
        f"{path}: cannot tell the format by its ending; name it"
        f" *{', *'.join(FORMATS)}{' before ' + compression if compression else ''}"
        " or set data.format"
    )


def _stem(path: str) -> tuple[str, str]:
    name = path.lower()
    for ending in DECOMPRESS:
        if name.endswith(ending):
            return name.removesuffix(ending), ending
    return name, ""


def open_file(path: str) -> BinaryIO:
    """Open for reading bytes, decompressed when the ending says so."""
    file = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    decompress = DECOMPRESS.get(_stem(path)[1])
    return io.BufferedReader(decompress(file), 1 << 20) if decompress else file


def lines(path: str) -> Iterator[bytes]:
    """The lines of a file with their ends; only line feeds end a line. Without a byte order mark.

    Raises:
        JobError: the file cannot be read to its end, or is UTF-16.
    """
    number = 0
    try:
        with open_file(path) as file:
            for line in iter(lambda: file.readline(LONGEST_RECORD), b""):
                number += 1
                if number == 1:
                    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
                        raise JobError(
                            f"{path}: this file is UTF-16; convert it to UTF-8, for example with"
                            " `iconv -f UTF-16 -t UTF-8`"
                        )
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if len(line) == LONGEST_RECORD and not line.endswith(b"\n"):
                    yield Overlong(line[:1000])
                    while line and not line.endswith(b"\n"):
                        line = file.readline(LONGEST_RECORD)
                else:
                    yield line
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise JobError(
            f"{path}:{number + 1}: cannot be read any further ({error}); the file is damaged or"
            " was cut off: get it again"
        ) from error


def checked_header(path: str, header: Sequence[str], needed: tuple[str, ...]) -> Sequence[str]:
    """The header, if a file's columns are those that are needed, and perhaps others.

    Raises:
        JobError: one is not there, or stands there twice.
    """
    for column in needed:
        if header.count(column) != 1:
            what = f"no column {column!r}" if column not in header else f"{column!r} twice"
            has = f"columns {', '.join(map(repr, header))}" if header else "no header line"
            raise JobError(
                f"{path}:1: {what}; the file has {has}: correct the recipe's column names or the"
                " file's first line"
            )
    return header
