"""What is to be prepared, a unit of work an input file, and what decides on the result."""

import hashlib
import os
from dataclasses import dataclass
from typing import Any

from apache_beam.io.filesystems import FileSystems

from configs.data import Data
from configs.loading import RecipeError
from configs.recipe import Recipe
from configs.tasks import MaskedLanguageModel
from pipeline.errors import JobError
from pipeline.prepare import files
from pipeline.text import earlier_words

SPLITS = ("train", "valid", "test")
# Keys of tasks that came later: data prepared before them are those of their defaults.
LATER = {"label_names", "decimal"}


@dataclass(frozen=True)
class Unit:
    """A file; `split` is where the recipe put it, before fractions are cut from train.

    `path` means the same to a worker in any folder; `name` is the path as the recipe says it.
    """

    index: int
    split: str
    path: str
    name: str
    kind: str
    size: int


def units(recipe: Recipe) -> list[Unit]:
    """The input files of all splits in the recipe's order.

    Raises:
        JobError: a file is missing, of unknown format, or in two splits.
        RecipeError: fractions leave no text to train on, or no file can have the recipe's header.
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
            remote = FileSystems.get_scheme(source.path) is not None
            path = source.path if remote else os.path.abspath(source.path)
            found.append(Unit(len(found), split, path, source.path, kind, source.size))
    if data.header is not None and not any(unit.kind in ("csv", "tsv") for unit in found):
        raise RecipeError(
            "data.header names the columns of csv and tsv files, and none of the files is one:"
            " leave it out"
        )
    return found


def settings(recipe: Recipe) -> dict[str, Any]:
    """What of a recipe decides on the prepared data, besides the files' content.

    Not where files lie, nor how the task weighs or smooths labels, nor where Beam runs.
    """
    data = recipe.data.model_dump()
    for split in SPLITS:
        if isinstance(data[split], tuple):
            data[split] = "files"
    for name in ("encoding", "delimiter", "quoting"):  # younger than many prepared data
        if data[name] == Data.model_fields[name].default:
            del data[name]
    text = recipe.text.model_dump(exclude={"tokenizer": {"vocabulary", "model", "vectors"}})
    deciding = {"kind", "text", "second", "label", "separator", "scheme"}
    deciding |= {"question", "context", "answers", "id", "impossible"}
    deciding |= {"language", "pairs", "copies"}
    if isinstance(recipe.task, MaskedLanguageModel) and recipe.task.masking.static:
        deciding.add("masking")
    task = recipe.task.model_dump(include=deciding, exclude_none=True)
    task |= recipe.task.model_dump(include=LATER, exclude_defaults=True)
    if isinstance(recipe.task, MaskedLanguageModel):  # whose examples are drawn
        task |= {"short": recipe.task.short_share, "seed": recipe.seed}
    return {"data": data, "text": text, "task": task}


def origins(recipe: Recipe, found: list[Unit]) -> list[dict[str, Any]]:
    """The files that prepared data is made from, with what stands for their content."""
    tokenizer = recipe.text.tokenizer
    names = ("vocabulary", "model", "vectors")
    files_of_words = [getattr(tokenizer, name, None) for name in names]
    if earlier := earlier_words.fitting(recipe.text):
        files_of_words = [str(earlier)]
    used = [(unit.split, unit.path) for unit in found]
    used += [("tokenizer", path) for path in files_of_words if path]
    return [
        {"for": use, "name": files.name_of(path), "content": content(path)} for use, path in used
    ]


def content(path: str) -> Any:
    """What stands for a file's bytes: their hash here, what a remote filesystem says elsewhere.

    Raises:
        JobError: the file cannot be read.
    """
    if FileSystems.get_scheme(path) is not None:
        return FileSystems.checksum(path)
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise JobError(f"cannot read {path}: {error.strerror}") from error
