"""Parquet and Arrow files: rows of the columns that are needed, a few megabytes at a time."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from pipeline.errors import JobError
from pipeline.prepare import nested
from pipeline.prepare.bad_records import NOT_UTF8, Record, bad
from pipeline.prepare.class_names import class_names
from pipeline.prepare.files import checked_header, open_file

BATCH_BYTES = 1 << 22  # of a Parquet file, read at a time
BATCH_ROWS = 1024
ARROW_FILE = b"ARROW1"  # begins a file that can be read at any place; others are streams


def names(path: str, kind: str) -> list[str]:
    """The columns of a Parquet or Arrow file, and those inside of them.

    Raises:
        JobError: it cannot be read.
    """
    with _opened(path, kind) as (file, pa):
        schema = _parquet(file).schema_arrow if kind == "parquet" else _arrow(file, pa)[0]
        return _paths(schema)


def table_records(
    path: str, needed: tuple[str, ...], kind: str, others: bool = False
) -> Iterator[tuple[int, Record]]:
    """(row from 1, record) of the needed columns or of all, never a whole row group of Parquet.

    Class ids in the needed columns have the names that the file gives them.

    Raises:
        JobError: the file cannot be read, or lacks a column.
    """
    with _opened(path, kind) as (file, pa):
        if kind == "parquet":
            table = _parquet(file)
            schema = table.schema_arrow
            checked_header(path, _paths(schema), needed)
            columns = None if others else list(needed)
            batches = table.iter_batches(_rows(table), columns=columns, use_threads=False)
        else:
            schema, batches = _arrow(file, pa)
            checked_header(path, _paths(schema), needed)
            if not others:
                roots = dict.fromkeys(name for name in schema.names if _is_needed(name, needed))
                batches = (batch.select(list(roots)) for batch in batches)
        namers = class_names(schema.metadata)
        namers = {column: namers[column] for column in needed if column in namers}
        yield from enumerate(_records(batches, needed, namers), 1)


@contextmanager
def _opened(path: str, kind: str) -> Iterator[tuple[BinaryIO, Any]]:
    import pyarrow as pa

    try:
        with open_file(path) as file:
            yield file, pa
    except (pa.ArrowException, OSError, EOFError, ValueError) as error:
        raise JobError(
            f"{path}: cannot be read as {kind.capitalize()} ({error}); the file is damaged, was cut"
            " off, or is of another format: get it again"
        ) from error


def _parquet(file: BinaryIO) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(file)


def _rows(table: Any) -> int:
    """How many rows of a Parquet file to read at a time."""
    groups = range(table.num_row_groups)
    size = sum(table.metadata.row_group(i).total_byte_size for i in groups)
    return max(1, min(BATCH_ROWS, BATCH_BYTES * table.metadata.num_rows // max(1, size)))


def _arrow(file: BinaryIO, pa: Any) -> tuple[Any, Iterable[Any]]:
    """Schema and batches. `datasets` writes streams, pandas' `to_feather` files."""
    begins = file.read(len(ARROW_FILE))
    file.seek(0)
    if begins == ARROW_FILE:
        reader = pa.ipc.open_file(file)
        batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
    else:
        reader = batches = pa.ipc.open_stream(file)
    return reader.schema, batches


def _paths(schema: Any) -> list[str]:
    """The names of all columns and, with dots, of the fields of those that are structs."""
    import pyarrow as pa

    found = []
    for field in schema:
        found.append(field.name)
        if pa.types.is_struct(field.type):
            found += [f"{field.name}.{inner}" for inner in _paths(field.type)]
    return found


def _is_needed(column: str, needed: tuple[str, ...]) -> bool:
    return any(name == column or name.startswith(f"{column}.") for name in needed)


def _records(
    batches: Iterable[Any], needed: tuple[str, ...], namers: dict[str, Callable[[Any], Any]]
) -> Iterator[Record]:
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            part = batch.slice(start, BATCH_ROWS)
            # As bytes, because Arrow does not check that strings are UTF-8 and we must.
            values = [column.cast(_of_bytes(column.type)).to_pylist() for column in part.columns]
            for row in zip(*values, strict=True):
                named = dict(zip(part.schema.names, row, strict=True))
                for column, name in namers.items():
                    named[column] = name(named[column])
                record = _decoded_row(named)
                yield nested.with_paths(record, needed) if isinstance(record, dict) else record


def _of_bytes(kind: Any) -> Any:
    """The type with binary instead of strings, alone, in lists and in structs."""
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.large_binary()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.large_list(_of_bytes(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _of_bytes(field.type)) for field in kind])
    return kind


def _decoded_row(row: dict[str, Any]) -> Record:
    try:
        return {name: _decoded(value) for name, value in row.items()}
    except UnicodeDecodeError as error:
        return bad(NOT_UTF8, error.object)


def _decoded(value: Any) -> Any:
    match value:
        case bytes():
            return value.decode("utf-8")
        case list():
            return [_decoded(part) for part in value]
        case dict():
            return {name: _decoded(part) for name, part in value.items()}
    return value
