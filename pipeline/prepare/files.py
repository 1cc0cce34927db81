"""Input files on any filesystem that Beam knows: which there are, their formats, their bytes."""

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
from pipeline.prepare import folders

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
    ".arrow": "arrow",
}


@dataclass(frozen=True)
class Source:
    path: str
    size: int


def matching(patterns: tuple[str, ...]) -> list[Source]:
    """The files of the patterns, in the patterns' order, those of one glob by name, each once.

    A folder stands for the files in it.

    Raises:
        JobError: nothing matches a pattern, or a folder holds more than such files.
    """
    found: dict[str, Source] = {}
    for pattern in patterns:
        if os.path.isdir(pattern):
            sources = [Source(path, os.path.getsize(path)) for path in folders.files(pattern)]
        elif os.path.isfile(pattern):  # whose name may look like a glob: data[1].csv
            sources = [Source(pattern, os.path.getsize(pattern))]
        else:
            sources = _globbed(pattern)
        for source in sources:
            found.setdefault(source.path, source)
    return list(found.values())


def _globbed(pattern: str) -> list[Source]:
    # Beam finds nothing by a glob without a folder.
    here = f".{os.sep}" * (FileSystems.get_scheme(pattern) is None and os.sep not in pattern)
    try:
        matches = FileSystems.match([here + pattern])[0].metadata_list
    except (BeamIOError, ValueError) as error:
        raise JobError(f"cannot look for input files {pattern!r}: {error}") from error
    if not matches:
        raise JobError(
            f"no input file matches {pattern!r}: check the path (relative paths start where"
            " the command runs) and the glob"
        )
    found = [Source(match.path.removeprefix(here), match.size_in_bytes) for match in matches]
    return sorted(found, key=lambda source: source.path)


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


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open for reading the file's beginning.

    Raises:
        JobError: it cannot be read.
    """
    with damaged(lambda: f"{path}:1"), open_file(path) as file:
        yield file


@contextmanager
def damaged(where: Callable[[], str]) -> Iterator[None]:
    """What goes wrong with reading inside the block is told with the place that it came to."""
    try:
        yield
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise JobError(
            f"{where()}: cannot be read any further ({error}); the file is damaged or was cut off:"
            " get it again"
        ) from error


ADVICE = (
    "name the column as the file does, in the recipe's task or by --column, or correct the file's"
    " first line"
)


def checked_header(
    path: str, header: Sequence[str], needed: tuple[str, ...], advice: str = ""
) -> Sequence[str]:
    """The header, if a file's columns are those that are needed, and perhaps others.

    Raises:
        JobError: one is not there, or stands there twice.
    """
    for column in needed:
        if header.count(column) != 1:
            what = f"no column {column!r}" if column not in header else f"{column!r} twice"
            has = f"columns {', '.join(map(repr, header))}" if header else "no header line"
            raise JobError(f"{path}:1: {what}; the file has {has}: {advice or ADVICE}")
    return header
