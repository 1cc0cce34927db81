"""The records of a unit as both passes see them: in the same order, checked, in batches."""

from collections.abc import Iterator

from configs.data import Text
from configs.recipe import Recipe
from configs.tasks import Tag
from pipeline.prepare.bad_records import Bad, bad
from pipeline.prepare.batches import batched
from pipeline.prepare.checks import EMPTY_TEXT, Checked, checker, label_columns, text_columns
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.entities import Tagged, tagged
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
    batches = batched(checked, _size)
    if not isinstance(task, Tag):
        return batches
    return (with_words(batch, task, recipe.text) for batch in batches)


def with_words(batch: list[Line], task: Tag, text: Text) -> list[Line]:
    """Cut the texts into words whose entities are given by their places, and tag the words."""
    waiting = [
        record for _, record in batch if isinstance(record, Checked) and record.entities is not None
    ]
    if not waiting or task.scheme == "plain":
        return batch
    entities = [record.entities or () for record in waiting]
    made = iter(tagged([record.texts[0] for record in waiting], entities, text, task.scheme))
    return [(line, _with_words(record, made)) for line, record in batch]


def _with_words(record: Checked | Bad, made: Iterator[Tagged]) -> Checked | Bad:
    if isinstance(record, Bad) or record.entities is None:
        return record
    words, tags, notes = next(made)
    if not words:
        return bad(EMPTY_TEXT, record.texts[0])
    return record._replace(label=tags, words=words, notes=notes)


def _size(item: Line) -> int:
    record = item[1]
    return 0 if isinstance(record, Bad) else sum(map(len, record.texts))
