"""Samples of a recipe's training records, each a JSONL file that the same recipe can read.

For one seed, the smaller sample is part of the larger one.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from configs.data import Data
from configs.loading import RecipeError
from configs.recipe import Recipe
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.prepare import inputs
from pipeline.prepare.bad_records import Record
from pipeline.prepare.checks import Checked, label_columns, text_columns
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.files import whole
from pipeline.prepare.hashes import UNUSED
from pipeline.prepare.inputs import Unit
from pipeline.prepare.records import checked_batches
from pipeline.prepare.scanning import batch_scanner
from pipeline.prepare.sources import read

LAYOUT = 1  # counted up when the same records come to be drawn differently
# The settings of `data` that say how files are written.
WRITTEN = {"format", "header", "encoding", "delimiter", "quoting"}

Size = int | Literal["all"]
log = logging.getLogger("textmill")


@dataclass(frozen=True)
class Samples:
    """`examples`: usable training records there are; `labels`: names, none of a regression."""

    folder: Path
    examples: int
    labels: tuple[str, ...]

    def path(self, size: Size, seed: int) -> Path:
        return self.folder / ("all.jsonl" if size == "all" else f"{size}-{seed}.jsonl")


@dataclass(frozen=True)
class Pool:
    """Where the usable training records stand among all that are read, and what labels they have.

    `test`: where those stand that a fraction cuts off to test on.
    """

    places: np.ndarray
    labels: list[tuple[str, ...]]
    test: np.ndarray


def make(recipe: Recipe, sizes: Mapping[Size, Sequence[int]], folder: Path) -> Samples:
    """Write the samples that are not there yet. Args: sizes, with the seeds of each.

    Raises:
        RecipeError: a size is too small for every label to be there, or larger than all records.
        JobError: the training files cannot be read, or too many of their records are bad.
    """
    units = inputs.units(recipe)
    contents = [(unit.split, inputs.content(unit.path)) for unit in units]
    units = [unit for unit in units if unit.split == "train"]
    mark = artifacts.fingerprint(LAYOUT, inputs.settings(recipe), contents)
    folder = folder / f"samples-{mark[:8]}"
    drawn_before = artifacts.finished(folder, mark)
    if drawn_before:
        artifacts.check(folder)
        facts = artifacts.manifest(folder)
        samples = Samples(folder, facts["examples"], tuple(facts["labels"]))
        check(samples, sizes)
        if all(samples.path(size, seed).is_file() for size in sizes for seed in sizes[size]):
            return samples
    found = pool(recipe, units)
    names = tuple(sorted({name for labels in found.labels for name in labels}))
    samples = Samples(folder, len(found.places), names)
    check(samples, sizes)
    wanted: dict[Path, np.ndarray] = {}
    for seed in sorted(set(chain.from_iterable(sizes.values()))):
        order = found.places[drawn(found.labels, seed, recipe.task.kind == "classify")]
        for size, seeds in sizes.items():
            if seed in seeds:
                wanted[samples.path(size, seed)] = order[: None if size == "all" else size]
    if len(found.test):
        wanted[folder / "test.jsonl"] = found.test
    folder.mkdir(parents=True, exist_ok=True)
    if drawn_before:  # those that are there are whole
        wanted = {path: at for path, at in wanted.items() if not path.is_file()}
    write(recipe, units, wanted)
    _seal(samples, mark)
    log.info("learning-curve: samples of %d examples are in %s", samples.examples, folder)
    return samples


def _seal(samples: Samples, mark: str) -> None:
    facts = {"examples": samples.examples, "labels": samples.labels}
    artifacts.seal(samples.folder, mark, facts)


def check(samples: Samples, sizes: Iterable[Size]) -> None:
    least = max(2, len(samples.labels))
    for size in sizes:
        if size != "all" and size > samples.examples:
            raise RecipeError(
                f"--sizes: {size:,} is more than the {samples.examples:,} training examples there"
                " are: say all"
            )
        if size != "all" and size < least:
            raise RecipeError(
                f"--sizes: {size:,} examples cannot hold each of {least:,} labels once: choose"
                f" {least:,} or more"
            )


def drawn(labels: Sequence[tuple[str, ...]], seed: int, stratified: bool) -> np.ndarray:
    """An order of the records, any beginning of which is a sample.

    What has a label that none before it had comes first, so that a small sample lacks no label: to
    a model that lacks one, test examples of that label could not be put. The rest comes as drawn
    or, stratified, by the method of Webster and Sainte-Lague: the j-th record of a class of n
    comes at (j - 1/2) / n. The largest remainder gives nearly the same shares, but with it a class
    may have fewer places in a larger sample (Balinski and Young 1982, Fair Representation).

    Args: labels, of each record, exactly one if stratified.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    there = Counter(name for names in labels for name in names)
    seen: Counter[str] = Counter()
    keys = np.ones(len(labels))
    for place, row in enumerate(shuffled):
        names = labels[row]
        if not all(seen[name] for name in names):
            keys[place] = 0.0
        elif stratified:
            keys[place] = (seen[names[0]] + 0.5) / there[names[0]]
        seen.update(names)
    return shuffled[np.argsort(keys, kind="stable")]


def pool(recipe: Recipe, units: Sequence[Unit]) -> Pool:
    """Read the training files as `prepare` would."""
    places: list[int] = []
    labels: list[tuple[str, ...]] = []
    test: list[int] = []
    place = bad = 0
    for unit in units:
        scan = batch_scanner(unit, recipe, counting=False)
        for lines in checked_batches(unit, recipe):
            splits = iter(scan(lines).hashes["split"].tolist())
            for _, record in lines:
                split = next(splits) if isinstance(record, Checked) else UNUSED
                if not isinstance(record, Checked) or split == UNUSED:
                    bad += 1
                elif split == inputs.SPLITS.index("test"):
                    test.append(place)
                else:
                    places.append(place)
                    names = record.label if isinstance(record.label, tuple) else ()
                    labels.append(tuple(dict.fromkeys(names)))  # each once, not once a word
                place += 1
    if bad > recipe.data.max_bad * place:
        raise JobError(
            f"{bad:,} of {place:,} training records cannot be used, more than data.max_bad allows:"
            " `textmill prepare` says why"
        )
    return Pool(np.array(places, int), labels, np.array(test, int))


def write(recipe: Recipe, units: Sequence[Unit], wanted: dict[Path, np.ndarray]) -> None:
    """Write the records at the wanted places, in the order of the files they come from."""
    with ExitStack() as stack:
        files = []
        for path, places in wanted.items():
            unfinished = stack.enter_context(whole(path))
            file = stack.enter_context(open(unfinished, "w", encoding="utf-8"))
            files.append((file, set(places.tolist())))
        for place, record in enumerate(records(recipe, units)):
            line = ""
            for file, chosen in files:
                if place in chosen:
                    line = line or json.dumps(record, ensure_ascii=False, default=str) + "\n"
                    file.write(line)


def records(recipe: Recipe, units: Sequence[Unit]) -> Iterator[Record]:
    """What the files hold of the columns that the recipe reads."""
    task = recipe.task
    needed = tuple(dict.fromkeys((*text_columns(task), *label_columns(task), *recipe.data.columns)))
    for unit in units:
        for _, record in read(unit.path, unit.kind, needed, dialect=Dialect.of(recipe.data)):
            yield _only(record, needed)


def _only(record: Record, needed: tuple[str, ...]) -> Any:
    return {k: record[k] for k in needed if k in record} if isinstance(record, dict) else record


def fixed(recipe: Recipe, samples: Samples) -> dict[str, Any]:
    """The settings of `data` beside `train` that go with the samples.

    What to test on is the same for all: a fraction of it lies beside the samples. What is
    declared of how files are written, such as a format, is of the recipe's own files, which are
    therefore copied as what the samples are.

    Raises:
        JobError: such files cannot be read.
    """
    data, found = recipe.data, {}
    if isinstance(data.test, float):
        found["test"] = (str(samples.folder / "test.jsonl"),)
    usual = {name: Data.model_fields[name].default for name in WRITTEN}
    if {**usual, "format": data.format} == data.model_dump(include=WRITTEN) and data.format in (
        "auto",
        "jsonl",
    ):
        return found
    units = inputs.units(recipe)
    for split in ("valid", "test"):
        some = [unit for unit in units if unit.split == split]
        path = samples.folder / f"{split}.jsonl"
        if some and not path.is_file():
            usable = pool(recipe, some)
            write(recipe, some, {path: np.concatenate([usable.places, usable.test])})
            _seal(samples, artifacts.manifest(samples.folder)["fingerprint"])
        if some:
            found[split] = (str(path),)
    return {**found, **usual}
