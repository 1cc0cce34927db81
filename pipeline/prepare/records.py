"""The records of a unit as both passes see them: in the same order, checked, in batches."""

from collections.abc import Iterator

from configs.recipe import Recipe
from pipeline.prepare.bad_records import Bad
from pipeline.prepare.batches import batched
from pipeline.prepare.checks import Checked, checker, label_columns, text_columns
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.inputs import Unit
from pipeline.prepare.sources import read

Line = tuple[int, Checked | Bad]


def checked_batches(unit: Unit, recipe: Recipe) -> Iterator[list[Line]]:
    """Yield batches of (line, record): good ones and bad ones together, in the file's order.

    Raises:
        JobError: the file cannot be read, or lacks a column.
    """
    task, columns = recipe.task, recipe.data.columns
    needed = dict.fromkeys((*text_columns(task), *label_columns(task), *columns))
    check = checker(task, columns)
    records = read(unit.path, unit.kind, tuple(needed), dialect=Dialect.of(recipe.data))
    checked = ((line, check(record)) for line, record in records)
    return batched(checked, _size)


def _size(item: Line) -> int:
    record = item[1]
    return 0 if isinstance(record, Bad) else sum(map(len, record.texts))
