"""Files of five formats -> records, each with the line it starts on; broken ones are marked as bad.

A record is a dict of column name -> value. Blank lines are no records.
"""

import csv
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from pipeline.errors import JobError
from pipeline.prepare.files import LONGEST_RECORD, Overlong, lines, open_file

EXCERPT = 500  # characters of a bad record that are kept
BATCH_BYTES = 1 << 22  # of a Parquet file, read at a time


class Bad(NamedTuple):
    """A record that cannot be used. `reason` is one of few, so that they can be counted."""

    reason: str
    excerpt: str


def bad(reason: str, record: Any) -> Bad:
    """Keep the beginning of the record, as text that any reader can show."""
    if isinstance(record, bytes):
        record = record[: 4 * EXCERPT].decode("utf-8", "backslashreplace")
    elif not isinstance(record, str):
        record = json.dumps(record, ensure_ascii=False, default=str)
    record = record.rstrip("\r\n")
    cut = record[:EXCERPT] + ("..." if len(record) > EXCERPT else "")
    return Bad(reason, cut.encode("utf-8", "backslashreplace").decode())


Record = dict[str, Any] | Bad
NOT_UTF8 = "not UTF-8"
TOO_LONG = "record too long"
FIELDS = "wrong number of fields"


def read(
    path: str, kind: str, needed: tuple[str, ...], others: bool = False
) -> Iterator[tuple[int, Record]]:
    """Yield (line, record); for Parquet the line is the row, counted from 1.

    Args:
        kind: csv, tsv, jsonl, parquet or text.
        needed: columns that the file must have; more may come along.
        others: whether all others come along from Parquet too, where each costs time.

    Raises:
        JobError: the file cannot be read, or lacks a needed column altogether.
    """
    readers: dict[str, Callable[..., Iterator[tuple[int, Record]]]] = {
        "csv": csv_records,
        "tsv": tsv_records,
        "jsonl": jsonl_records,
        "parquet": partial(parquet_records, others=others),
        "text": text_records,
    }
    return readers[kind](path, needed)


def csv_records(path: str, needed: tuple[str, ...]) -> Iterator[tuple[int, Record]]:
    """RFC 4180: quotes may hold commas, doubled quotes and line ends."""
    csv.field_size_limit(LONGEST_RECORD)
    trouble: list[str] = []  # what is wrong with the lines of the record being read
    beginning: list[str] = []  # its first lines

    def decoded() -> Iterator[str]:
        for line in lines(path):
            if isinstance(line, Overlong):
                trouble.append(TOO_LONG)
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                trouble.append(NOT_UTF8)
                text = line.decode("utf-8", "backslashreplace")
            if len(beginning) < 3:
                beginning.append(text)
            yield text

    reader = csv.reader(decoded(), strict=True)
    header: list[str] | None = None
    row: list[str] | None = []
    while row is not None:
        start = reader.line_num + 1
        trouble.clear()
        beginning.clear()
        try:
            row = next(reader, None)
        except csv.Error as error:
            trouble.append(TOO_LONG if "field limit" in str(error) else "broken CSV")
        if header is None and row:
            header = checked_header(path, row, needed)
        elif row and len(row) == len(header or ()) and not trouble:
            yield start, dict(zip(header or (), row, strict=True))
        elif row or trouble:
            yield start, bad(trouble[0] if trouble else FIELDS, "".join(beginning))
    if header is None:
        checked_header(path, [], needed)


def tsv_records(path: str, needed: tuple[str, ...]) -> Iterator[tuple[int, Record]]:
    """Tabs part the fields and line ends the records; quotes are text like any other."""
    header: list[str] | None = None
    for number, line in text_lines(path):
        if isinstance(line, Bad):
            yield number, line
            continue
        row = line.split("\t")
        if header is None:
            header = checked_header(path, row, needed)
        elif len(row) == len(header):
            yield number, dict(zip(header, row, strict=True))
        else:
            yield number, bad(FIELDS, line)
    if header is None:
        checked_header(path, [], needed)


def jsonl_records(path: str, needed: tuple[str, ...]) -> Iterator[tuple[int, Record]]:
    """One JSON object a line."""
    for number, line in text_lines(path):
        if isinstance(line, Bad):
            yield number, line
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        yield number, record if isinstance(record, dict) else bad("broken JSON", line)


def text_records(path: str, needed: tuple[str, ...]) -> Iterator[tuple[int, Record]]:
    """A line a record, with the single column `text`."""
    checked_header(path, ["text"], needed)
    for number, line in text_lines(path):
        yield number, line if isinstance(line, Bad) else {"text": line}


def parquet_records(
    path: str, needed: tuple[str, ...], others: bool = False
) -> Iterator[tuple[int, Record]]:
    """Rows of the needed columns or of all, a few megabytes at a time, never a whole row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_file(path) as file:
            table = pq.ParquetFile(file)
            checked_header(path, table.schema_arrow.names, needed)
            number = 0
            size = sum(
                table.metadata.row_group(i).total_byte_size for i in range(table.num_row_groups)
            )
            rows = max(1, min(1024, BATCH_BYTES * table.metadata.num_rows // max(1, size)))
            columns = None if others else list(needed)
            for batch in table.iter_batches(rows, columns=columns, use_threads=False):
                # As bytes, because Arrow does not check that strings are UTF-8 and we must.
                values = [
                    column.cast(pa.large_binary()) if _is_text(column.type) else column
                    for column in batch.columns
                ]
                for row in zip(*(column.to_pylist() for column in values), strict=True):
                    number += 1
                    yield number, decoded_row(dict(zip(batch.schema.names, row, strict=True)))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise JobError(f"{path}: cannot be read as Parquet ({error})") from error


def _is_text(kind: Any) -> bool:
    return str(kind) in ("string", "large_string")


def decoded_row(row: dict[str, Any]) -> Record:
    try:
        return {k: v.decode("utf-8") if isinstance(v, bytes) else v for k, v in row.items()}
    except UnicodeDecodeError:
        return bad(NOT_UTF8, next(v for v in row.values() if isinstance(v, bytes)))


def text_lines(path: str) -> Iterator[tuple[int, str | Bad]]:
    """(number from 1, line without its end) of the lines that are not blank."""
    for number, line in enumerate(lines(path), 1):
        if isinstance(line, Overlong):
            yield number, bad(TOO_LONG, bytes(line))
        elif line.strip(b" \r\n"):
            try:
                yield number, line.decode("utf-8").removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError:
                yield number, bad(NOT_UTF8, line)


def checked_header(path: str, header: list[str], needed: tuple[str, ...]) -> list[str]:
    for column in needed:
        if header.count(column) != 1:
            what = f"no column {column!r}" if column not in header else f"{column!r} twice"
            has = f"columns {', '.join(map(repr, header))}" if header else "no header line"
            raise JobError(
                f"{path}:1: {what}; the file has {has}: correct the recipe's column names or the"
                " file's first line"
            )
    return header
