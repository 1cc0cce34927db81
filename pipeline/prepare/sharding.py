"""The second pass over a file: its examples as token ids, in TFRecord shards."""

import functools
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from configs.recipe import Recipe
from pipeline.errors import JobError
from pipeline.prepare import dead_letters
from pipeline.prepare.batches import THREADS, mapped
from pipeline.prepare.checks import Checked
from pipeline.prepare.examples import encode
from pipeline.prepare.hashes import UNUSED
from pipeline.prepare.inputs import SPLITS, Unit
from pipeline.prepare.labels import Labels
from pipeline.prepare.records import checked_batches
from pipeline.prepare.shards import Shards
from pipeline.prepare.sources import EXCERPT, bad
from pipeline.prepare.statistics import Statistics
from pipeline.progress import Lines


class Share(NamedTuple):
    """A file, and which of its checked records the report wants to show."""

    unit: Unit
    shown: frozenset[int]


class Example(NamedTuple):
    record: Checked
    split: int
    label: list[int] | float


class Made(NamedTuple):
    """What threads make of a batch. Arrays are (B,): tokens before and after the cut, unknown."""

    examples: list[Example]
    serialised: list[bytes]
    lengths: np.ndarray
    kept: np.ndarray
    unknown: np.ndarray


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
    told = Lines(f"tokenized {unit.name}", None)
    with (
        dead_letters.Writer(places / "unknown" / f"{name}.jsonl", unit.name) as dead,
        Shards(places / "shards", unit.index, recipe.data.shard_examples) as shards,
    ):
        chosen = choose(share, recipe, places / "plan" / name, labels, dead, shown)
        make = example_maker(recipe, str(places / "tokenizer"))
        for made in mapped(make, chosen, THREADS):
            splits = np.array([example.split for example in made.examples], np.uint8)
            for code, data in zip(splits.tolist(), made.serialised, strict=True):
                shards.write(SPLITS[code], data)
            for code in np.unique(splits).tolist():
                here = splits == code
                names = [example.label for example in made.examples if example.split == code]
                counts = (made.lengths[here], made.kept[here], made.unknown[here])
                statistics[code].add(*counts, names, labels.edges)
            told.advance(len(splits))
    told.close()
    return {
        "shards": shards.done,
        "statistics": {split: part.facts() for split, part in zip(SPLITS, statistics, strict=True)},
        "shown": sorted(shown.items()),
        **dead.facts(),
    }


def choose(
    share: Share,
    recipe: Recipe,
    plan_file: Path,
    labels: Labels,
    dead: dead_letters.Writer,
    shown: dict[int, dict[str, Any]],
) -> Iterator[list[Example]]:
    """Yield batches of what is to be written, with split and label ids."""
    plan = np.fromfile(plan_file, np.uint8).tolist()
    ids = {name: i for i, name in enumerate(labels.names)}
    rows = count()
    for lines in checked_batches(share.unit, recipe):
        examples = []
        for line, record in lines:
            if not isinstance(record, Checked):
                continue
            row = next(rows)
            if row in share.shown:
                label = record.label if isinstance(record.label, float) else ", ".join(record.label)
                text = record.text.decode()[:EXCERPT]
                shown[row] = {"file": share.unit.name, "line": line, "text": text, "label": label}
            if row >= len(plan) or plan[row] == UNUSED:
                continue
            if isinstance(record.label, float):
                examples.append(Example(record, plan[row], record.label))
            elif all(name in ids for name in record.label):
                examples.append(Example(record, plan[row], [ids[name] for name in record.label]))
            else:
                fields = {"text": record.text.decode(), "label": record.label}
                dead.write(line, bad("unknown label", fields))
        yield examples
    if next(rows) != len(plan):
        raise JobError(f"{share.unit.name} changed while it was being prepared: start again")


def example_maker(recipe: Recipe, tokenizer_folder: str) -> Callable[[list[Example]], Made]:
    """Make the function that tokenizes and serialises a batch; threads may share it."""
    import tensorflow as tf

    tokenizer = _tokenizer(tokenizer_folder)
    names = recipe.data.columns

    def make(examples: list[Example]) -> Made:
        records = [example.record for example in examples]
        texts = [record.text for record in records]
        ids = tokenizer.all_ids(tf.constant(texts, tf.string))
        tokens, lengths = ids.flat_values.numpy(), ids.row_lengths().numpy()
        kept = np.minimum(lengths, recipe.text.max_length)
        ends = np.cumsum(lengths)
        # A token's place in its text, (tokens,), decides whether it is kept.
        places = np.arange(len(tokens)) - np.repeat(ends - lengths, lengths)
        tokens = tokens[places < recipe.text.max_length]
        columns = {name: [r.columns[i] for r in records] for i, name in enumerate(names)}
        data = encode(tokens, kept, [example.label for example in examples], texts, columns)
        so_far = np.concatenate([[0], np.cumsum(tokens == tokenizer.unknown_id)])
        ends = np.cumsum(kept)
        return Made(examples, data, lengths, kept, so_far[ends] - so_far[ends - kept])

    return make


@functools.lru_cache(maxsize=2)
def _tokenizer(folder: str) -> Any:
    """Loaded once a process; the folder is another one for other data."""
    from pipeline.text import tokenizers

    return tokenizers.load(Path(folder))
