"""Files of nine formats -> records, each with the line it starts on; broken ones are marked so.

A record is a dict of column name -> value. Blank lines are no records.
"""

import csv
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pipeline.errors import JobError
from pipeline.prepare.bad_records import FIELDS, NOT_UTF8, TOO_LONG, Bad, Record, bad
from pipeline.prepare.class_names import class_names
from pipeline.prepare.conll import conll_records, conllu_records
from pipeline.prepare.files import LONGEST_RECORD, Overlong, checked_header, lines, open_file
from pipeline.prepare.squad import squad_records

BATCH_BYTES = 1 << 22  # of a Parquet file, read at a time


def read(
    path: str,
    kind: str,
    needed: tuple[str, ...],
    others: bool = False,
    header: tuple[str, ...] | None = None,
) -> Iterator[tuple[int, Record]]:
    """Yield (line, record); for Parquet the line is the row, for SQuAD the question, from 1.

    Args:
        kind: csv, tsv, jsonl, parquet, text, document, conll, conllu or squad.
        needed: columns that the file must have; more may come along.
        others: whether all others come along from Parquet too, where each costs time.
        header: names of the columns of csv and tsv, in files without a line that says them.

    Raises:
        JobError: the file cannot be read, or lacks a needed column altogether.
    """
    readers: dict[str, Callable[..., Iterator[tuple[int, Record]]]] = {
        "csv": partial(csv_records, header=header),
        "tsv": partial(tsv_records, header=header),
        "jsonl": jsonl_records,
        "parquet": partial(parquet_records, others=others),
        "text": text_records,
        "document": document_records,
        "conll": conll_records,
        "conllu": conllu_records,
        "squad": squad_records,
    }
    return readers[kind](path, needed)


def csv_records(
    path: str, needed: tuple[str, ...], header: tuple[str, ...] | None = None
) -> Iterator[tuple[int, Record]]:
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
    names = None if header is None else checked_header(path, header, needed)
    row: list[str] | None = []
    while row is not None:
        start = reader.line_num + 1
        trouble.clear()
        beginning.clear()
        try:
            row = next(reader, None)
        except csv.Error as error:
            trouble.append(TOO_LONG if "field limit" in str(error) else "broken CSV")
        if names is None and row:
            names = checked_header(path, row, needed)
        elif row and len(row) == len(names or ()) and not trouble:
            yield start, dict(zip(names or (), row, strict=True))
        elif row or trouble:
            yield start, bad(trouble[0] if trouble else FIELDS, "".join(beginning))
    if names is None:
        checked_header(path, [], needed)


def tsv_records(
    path: str, needed: tuple[str, ...], header: tuple[str, ...] | None = None
) -> Iterator[tuple[int, Record]]:
    """Tabs part the fields and line ends the records; quotes are text like any other."""
    names = None if header is None else checked_header(path, header, needed)
    for number, line in text_lines(path):
        if isinstance(line, Bad):
            yield number, line
            continue
        row = line.split("\t")
        if names is None:
            names = checked_header(path, row, needed)
        elif len(row) == len(names):
            yield number, dict(zip(names, row, strict=True))
        else:
            yield number, bad(FIELDS, line)
    if names is None:
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


def document_records(path: str, needed: tuple[str, ...]) -> Iterator[tuple[int, Record]]:
    """The whole file as one record, with the single column `text`; none if it is blank."""
    checked_header(path, ["text"], needed)
    found: list[str] = []
    size = 0
    for number, line in text_lines(path):
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


def parquet_records(
    path: str, needed: tuple[str, ...], others: bool = False
) -> Iterator[tuple[int, Record]]:
    """Rows of the needed columns or of all, a few megabytes at a time, never a whole row group.

    Class ids in the needed columns have the names that the file gives them.
    """
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
            namers = class_names(table.schema_arrow.metadata)
            namers = {column: namers[column] for column in needed if column in namers}
            for batch in table.iter_batches(rows, columns=columns, use_threads=False):
                # As bytes, because Arrow does not check that strings are UTF-8 and we must.
                values = [
                    column.cast(_of_bytes(column.type)).to_pylist() for column in batch.columns
                ]
                for row in zip(*values, strict=True):
                    number += 1
                    record = dict(zip(batch.schema.names, row, strict=True))
                    for column, named in namers.items():
                        record[column] = named(record[column])
                    yield number, decoded_row(record)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise JobError(f"{path}: cannot be read as Parquet ({error})") from error


def _of_bytes(kind: Any) -> Any:
    """The type with binary instead of strings, alone and in lists."""
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.large_binary()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.large_list(_of_bytes(kind.value_type))
    return kind


def decoded_row(row: dict[str, Any]) -> Record:
    try:
        return {name: _decoded(value) for name, value in row.items()}
    except UnicodeDecodeError as error:
        return bad(NOT_UTF8, error.object)


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return [_decoded(part) for part in value] if isinstance(value, list) else value


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
