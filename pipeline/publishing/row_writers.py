"""Rows with their answers as lines of a file: CSV, or JSON as its standard has it."""

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

Write = Callable[[Mapping[str, Any]], None]

# A spreadsheet takes a cell that begins so for a formula, and runs it; the last four are the wide
# forms that Japanese ones read too. Source: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def csv_writer(
    file: TextIO, names: Sequence[str], header: bool, separator: str, escape: bool
) -> Write:
    """Write rows of the columns `names`; a column that a row lacks is empty there.

    Args: header, whether to write the names first; separator, joins several labels, without one a
        list is JSON; escape, whether ' is put before what a spreadsheet would run.
    """
    writer = csv.writer(file, lineterminator="\n")

    def cell(value: Any) -> Any:
        if isinstance(value, list):
            value = _joined(value, separator)
        return f"'{value}" if escape and isinstance(value, str) and is_formula(value) else value

    def write(record: Mapping[str, Any]) -> None:
        writer.writerow([cell(record.get(name)) for name in names])

    if header:
        writer.writerow([cell(name) for name in names])
    return write


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run it; numbers with a sign are none."""
    return cell.startswith(FORMULA) and not _is_number(cell)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _joined(field: list[Any], separator: str) -> str:
    if separator:
        return separator.join(map(str, field))
    return json.dumps(field, ensure_ascii=False)


def jsonl_writer(file: TextIO) -> Write:
    """Write an object a line. Infinity and what is no number, which JSON cannot spell, are null."""

    def write(record: Mapping[str, Any]) -> None:
        try:
            line = json.dumps(record, ensure_ascii=False, default=str, allow_nan=False)
        except ValueError:
            line = json.dumps(finite(record), ensure_ascii=False, default=str, allow_nan=False)
        # Half a surrogate pair, which JSON can spell, is spelled the same way again by the file's
        # error handler.
        file.write(line + "\n")

    return write


def finite(value: Any) -> Any:
    """The value with null for numbers that are infinite or none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    return [finite(part) for part in value] if isinstance(value, list | tuple) else value
