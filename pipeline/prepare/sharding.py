"""The second pass over a file: its examples as token ids, in TFRecord shards."""

import functools
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from configs.recipe import Recipe
from pipeline.errors import JobError
from pipeline.prepare import origins
from pipeline.prepare.bad_records import EXCERPT
from pipeline.prepare.batches import THREADS, mapped
from pipeline.prepare.checks import Checked
from pipeline.prepare.examples import encode
from pipeline.prepare.hashes import UNUSED
from pipeline.prepare.inputs import SPLITS, Unit
from pipeline.prepare.labels import Labels
from pipeline.prepare.records import checked_batches
from pipeline.prepare.shards import Shards
from pipeline.prepare.statistics import Statistics
from pipeline.progress import Lines


class Share(NamedTuple):
    """A file, and which of its checked records the report wants to show."""

    unit: Unit
    shown: frozenset[int]


class Example(NamedTuple):
    line: int
    record: Checked
    split: int
    label: list[int] | float


def shard(share: Share, recipe: Recipe, folder: str, labels: Labels) -> dict[str, Any]:
    """Write a file's examples as shards/SPLIT-UNIT-PART.tfrecord; return what is in them.

    Args:
        folder: holds tokenizer/ and plan/UNIT, a byte for each checked record: its split or UNUSED.

    Raises:
        JobError: the file is not what the first pass saw.
    """
    unit, name, places = share.unit, f"{share.unit.index:05d}", Path(folder)
    statistics = [Statistics() for _ in SPLITS]
    shown: dict[int, dict[str, Any]] = {}
    told = Lines(f"tokenized {unit.name}")
    with Shards(places / "shards", unit.index, recipe.data.shard_examples) as shards:
        chosen = choose(share, recipe, places / "plan" / name, labels, shown)
        make = example_maker(unit.index, recipe, str(places / "tokenizer"))
        for examples, made, serialised in mapped(make, chosen, THREADS):
            splits = np.array([example.split for example in examples], np.uint8)
            for code, data in zip(splits.tolist(), serialised, strict=True):
                shards.write(SPLITS[code], data)
            for code in np.unique(splits).tolist():
                here = np.flatnonzero(splits == code)
                counts = [counts.of(here) for counts in made.counts]
                names = [made.labels[row] for row in here.tolist()]
                statistics[code].add(counts, names, labels)
            told.advance(len(splits))
    told.close()
    return {
        "shards": shards.done,
        "statistics": {split: part.facts() for split, part in zip(SPLITS, statistics, strict=True)},
        "shown": sorted(shown.items()),
    }


def choose(
    share: Share,
    recipe: Recipe,
    plan_file: Path,
    labels: Labels,
    shown: dict[int, dict[str, Any]],
) -> Iterator[list[Example]]:
    """Yield batches of what is to be written, with split and label ids."""
    plan = np.fromfile(plan_file, np.uint8).tolist()
    ids = {name: i for i, name in enumerate(labels.names + labels.unseen)}
    rows = count()
    for lines in checked_batches(share.unit, recipe):
        examples = []
        for line, record in lines:
            if not isinstance(record, Checked):
                continue
            row = next(rows)
            if row in share.shown:
                label = record.label if isinstance(record.label, float) else ", ".join(record.label)
                shown[row] = {
                    "file": share.unit.name,
                    "line": line,
                    "text": _text(record)[:EXCERPT],
                    "label": label[:EXCERPT] if isinstance(label, str) else label,
                }
            if row >= len(plan) or plan[row] == UNUSED:
                continue
            if isinstance(record.label, float):
                examples.append(Example(line, record, plan[row], record.label))
            else:
                own = [ids[name] for name in record.label]
                examples.append(Example(line, record, plan[row], own))
        if examples:
            yield examples
    if next(rows) != len(plan):
        raise JobError(f"{share.unit.name} changed while it was being prepared: start again")


def _text(record: Checked) -> str:
    """For people to read."""
    return " / ".join(text.decode() for text in record.texts)


def example_maker(
    unit: int, recipe: Recipe, tokenizer_folder: str
) -> Callable[[list[Example]], tuple]:
    """Make the function from examples to themselves, what is made of them, and their bytes.

    Threads may share it.
    """
    from pipeline.prepare import features  # imports TensorFlow

    make = features.maker(recipe, loaded_tokenizer(tokenizer_folder))

    def make_examples(examples: list[Example]) -> tuple[list[Example], Any, list[bytes]]:
        records = [example.record for example in examples]
        made = make(records, [example.label for example in examples])
        origin = origins.feature(unit, (example.line for example in examples))
        return examples, made, encode([*made.features, origin])

    return make_examples


@functools.lru_cache(maxsize=2)
def loaded_tokenizer(folder: str) -> Any:
    """Loaded once a process; the folder is another one for other data."""
    from pipeline.text import tokenizers

    return tokenizers.load(Path(folder))
