"""What is to be prepared: one unit of work an input file, and the fingerprint of it all."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from apache_beam.io.filesystems import FileSystems

from configs.loading import RecipeError
from configs.recipe import Recipe
from pipeline.artifacts import fingerprint
from pipeline.errors import JobError
from pipeline.prepare import files

SPLITS = ("train", "valid", "test")
LAYOUT = 1  # counted up when the same inputs come to be prepared differently


@dataclass(frozen=True)
class Unit:
    """A file; `split` is where the recipe put it, before fractions are cut from train."""

    index: int
    split: str
    path: str
    kind: str
    size: int


def units(recipe: Recipe) -> list[Unit]:
    """The input files of all splits in the recipe's order.

    Raises:
        JobError: a file is missing, of unknown format, or in two splits.
    """
    data = recipe.data
    fractions = [f for f in (data.valid, data.test) if isinstance(f, float)]
    if sum(fractions) >= 1.0:
        raise RecipeError(
            f"data.valid and data.test cut {sum(fractions):g} from the training files: nothing is"
            " left to train on; make them smaller"
        )
    found: list[Unit] = []
    split_of: dict[str, str] = {}
    for split in SPLITS:
        patterns = getattr(data, split)
        if not isinstance(patterns, tuple):
            continue
        for source in files.matching(patterns):
            if split_of.setdefault(source.path, split) != split:
                raise JobError(
                    f"{source.path} is in data.{split_of[source.path]} and in data.{split}: a file"
                    " belongs to one split"
                )
            kind = files.format_of(source.path, data.format)
            found.append(Unit(len(found), split, source.path, kind, source.size))
    return found


def mark(recipe: Recipe, found: list[Unit]) -> str:
    """The fingerprint of everything that prepared data depends on.

    Files count with their name and content, not with their folder, so that it is the same on every
    machine; how the task weighs or smooths labels does not count, nor where Beam runs.
    """
    data = recipe.data.model_dump(exclude={"train"})
    task = recipe.task.model_dump(include={"kind", "text", "label", "separator"})
    text = recipe.text.model_dump()
    ready = [text["tokenizer"].get("vocabulary"), text["tokenizer"].get("model")]
    return fingerprint(
        LAYOUT,
        {
            name: data[name]
            for name in data
            if not isinstance(data[name], tuple) or name == "columns"
        },
        task,
        {**text, "tokenizer": {**text["tokenizer"], "vocabulary": None, "model": None}},
        [(unit.split, files.name_of(unit.path), content(unit.path)) for unit in found],
        [content(path) for path in ready if path],
        {name: version(name) for name in ("tensorflow-text", "sentencepiece")},
    )


def content(path: str) -> Any:
    """What stands for a file's bytes: their hash here, what a remote filesystem says elsewhere."""
    if FileSystems.get_scheme(path) is not None:
        return FileSystems.checksum(path)
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise JobError(f"cannot read {path}: {error.strerror}") from error
