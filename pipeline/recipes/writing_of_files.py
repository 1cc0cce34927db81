"""How someone's text files are written, from a look at them: encoding, delimiter and quotes."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from configs.data import Data, Quoting
from configs.loading import RecipeError
from pipeline.prepare import delimited, dialects, files, lines
from pipeline.prepare.bad_records import Bad
from pipeline.prepare.dialects import Dialect
from pipeline.recipes import encodings

BINARY = ("parquet", "arrow")
ROWS = 2_000  # that are read with quotes and without
Ways = dict[str, tuple[Any, str]]  # by setting, its value and the reason


def found(paths: tuple[str, ...], data: Data, needed: tuple[str, ...]) -> Ways:
    """The settings of `data` without which its text files would be misread.

    What was set, and not left to its default, stays. Args: paths, of all splits; needed, columns
    that the files must have.

    Raises:
        RecipeError: the encoding cannot be told, or there are several.
        JobError: a file cannot be read.
    """
    kinds = {s.path: files.format_of(s.path, data.format) for s in files.matching(paths)}
    texts = [path for path, kind in kinds.items() if kind not in BINARY]
    told: Ways = {}
    if "encoding" not in data.model_fields_set and (encoding := _encoding(texts)):
        told["encoding"] = encoding
        data = data.model_copy(update={"encoding": encoding[0]})
    tables = [path for path in texts if kinds[path] in delimited.FORMS]
    if tables:
        told |= _form(tables[0], kinds[tables[0]], data, needed)
    return told


def _encoding(paths: list[str]) -> tuple[str, str] | None:
    by_file = {path: found for path in paths if (found := encodings.encoding(path))}
    if not by_file:
        return None
    if len({found.encoding for found in by_file.values()}) > 1:
        each = "".join(f"\n  {path}: {found.encoding}" for path, found in by_file.items())
        raise RecipeError(f"the files are written in several encodings, make them one:{each}")
    first = next(iter(by_file.values()))
    return first.encoding, f"not UTF-8; so it has words such as {' '.join(first.words)}"


def _form(path: str, kind: str, data: Data, needed: tuple[str, ...]) -> Ways:
    declared = Dialect.of(data)
    usual = delimited.form(kind, declared)
    dialect = dialects.seen(path, declared, quotes=usual.quoting == "double")
    header = next((line for _, line in lines.text_lines(path, dialect)), "")
    if data.header or isinstance(header, Bad):
        return {}
    written = delimited.form_with(header, needed, usual) or usual
    told: Ways = {}
    if written.delimiter != usual.delimiter:
        told["delimiter"] = written.delimiter, "as the first line is parted"
    if written.quoting == usual.quoting == "none" and data.quoting is None:
        dialect = replace(dialect, delimiter=written.delimiter)
        written = written._replace(quoting=_quoting(path, kind, dialect, needed))
    if written.quoting != usual.quoting:
        told["quoting"] = written.quoting, "fields stand in double quotes"
    return told


def _quoting(path: str, kind: str, dialect: Dialect, needed: tuple[str, ...]) -> Quoting:
    """`double` if some fields are in quotes, and none is worse to read for taking them as such."""

    def records(quoting: Quoting) -> Iterator[Any]:
        rows = delimited.delimited_records(path, needed, kind, replace(dialect, quoting=quoting))
        return (record for _, record in islice(rows, ROWS))

    plain = list(records("none"))
    values = [value for row in plain if isinstance(row, dict) for value in row.values()]
    if not any(len(value) > 1 and value[0] == value[-1] == '"' for value in values):
        return "none"
    worse = sum(isinstance(row, Bad) for row in records("double"))
    return "double" if worse <= sum(isinstance(row, Bad) for row in plain) else "none"
