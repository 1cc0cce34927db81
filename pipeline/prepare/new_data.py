"""New labelled data for a trained model: prepared with its tokenizer and its labels.

They are read, checked and cut as the model's own test files were, in the same passes, and no row
is dropped for being a copy of another.
"""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from configs.data import Data
from configs.recipe import Recipe
from configs.tasks import MaskedLanguageModel
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.prepare import (
    dead_letters,
    inputs,
    labels,
    origins,
    repeats,
    shards,
    stages,
    unseen_labels,
)
from pipeline.prepare.inputs import Unit
from pipeline.prepare.plans import plan
from pipeline.prepare.pretraining_statistics import PretrainingStatistics
from pipeline.prepare.runners import run as on_beam
from pipeline.prepare.scanning import scan
from pipeline.prepare.sharding import Share
from pipeline.prepare.statistics import Statistics
from pipeline.quiet import import_tensorflow

SPLIT = "test"
log = logging.getLogger("textmill")


def prepare(recipe: Recipe, tokenizer: Path, names: Sequence[str]) -> Path:
    """Prepared data with the one split `test`, of the files that `data.test` names.

    Args: recipe, the model's; tokenizer, the folder of its tokenizer; names, of its labels.

    Raises:
        JobError: a file is missing or damaged, or there are too many bad records.
    """
    recipe = recipe.model_copy(update={"data": _only_test(recipe.data)})
    units = [replace(unit, split=SPLIT) for unit in inputs.units(recipe)]
    words = sorted(path for path in tokenizer.rglob("*") if path.is_file())
    made_from = {
        "layout": stages.LAYOUT,
        "settings": inputs.settings(recipe),
        "inputs": [{"name": unit.name, "content": inputs.content(unit.path)} for unit in units],
        "versions": {name: version(name) for name in stages.packages(recipe)},
        "tokenizer": [artifacts.checksum(path) for path in words],
        "labels": list(names),
    }
    mark = artifacts.fingerprint(made_from)
    directory = Path(recipe.work, "prepared", mark)
    with artifacts.to_make(directory, mark) as needed:
        if not needed:
            log.info("prepared data is up to date: %s", directory)
            return directory
        manifest: dict[str, Any] = {**made_from}
        with (
            artifacts.publish(directory, mark, manifest) as folder,
            stages.scratch_folder(folder, units) as scratch,
        ):
            shutil.copytree(tokenizer, scratch / "tokenizer")
            manifest |= _passes(recipe, units, names, folder, scratch)
            shutil.move(scratch / "tokenizer", folder / "tokenizer")
            artifacts.write_json(folder / "labels.json", list(names))
    return directory


def _only_test(data: Data) -> Data:
    """The test files as if they were to train on: no other split has to be there."""
    alone = {"train": data.test, "valid": None, "test": None}
    return data.model_copy(update={**alone, "drop_duplicates": False, "drop_leaks": False})


def _passes(
    recipe: Recipe, units: list[Unit], names: Sequence[str], folder: Path, scratch: Path
) -> dict[str, Any]:
    import_tensorflow()
    from pipeline.text import tokenizers

    tokenizer = tokenizers.load(scratch / "tokenizer")
    work = partial(scan, recipe=recipe, folder=str(scratch), counting=False)
    scans = on_beam(recipe.beam, work, units, scratch / "scanned")
    records = dead_letters.records(scans)
    dead_letters.judge(scans, records, recipe.data.max_bad, folder)
    known = labels.of_model(recipe.task, names, scans)
    found = repeats.find([scratch / "hashes" / f"{unit.index:05d}" for unit in units])
    planned = plan(found, recipe.data, [fact["checked"] for fact in scans], scratch / "plan")
    if not planned.kept[SPLIT]:
        raise JobError(f"no usable records in {', '.join(unit.name for unit in units)}")
    shares = [Share(unit, frozenset()) for unit in units]
    made = stages.second_pass(recipe, shares, scratch, known)
    counted = Statistics.total([fact["statistics"][SPLIT] for fact in made])
    written: Any = counted
    if isinstance(recipe.task, MaskedLanguageModel):  # whose examples are drawn from documents
        written = PretrainingStatistics.total([fact["pretraining"][SPLIT] for fact in made])
    split = {
        "examples": written.examples,
        "tokens": written.tokens,
        "shards": shards.move([fact["shards"] for fact in made], scratch / "shards", folder)[SPLIT],
    }
    return {
        "splits": {SPLIT: split},
        **unseen_labels.facts(known, {SPLIT: unseen_labels.of_split(counted, known)}),
        origins.FILES: [unit.name for unit in units],
        "records": records,
        "dead_letters": dict(sorted(dead_letters.reasons(scans).items())),
        **stages.words_and_labels(tokenizer, names),
    }
