"""A model in a Hugging Face folder, to start from as from an earlier run."""

from pathlib import Path

import numpy as np

from configs.recipe import Recipe
from configs.transformers import Bert
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.huggingface import folders, settings, shards, vocabulary, weights


def read(folder: Path) -> tuple[Recipe, list[str], list[str], dict[str, np.ndarray]]:
    """A recipe of the model, the tokens of its vocabulary, its labels, its weights by our paths.

    Raises:
        JobError: a file is missing or damaged, or of what textmill does not compute.
    """
    recipe = settings.recipe(folder)
    assert isinstance(recipe.model, Bert)
    _, *of_weights, file = files(folder)
    path = str(of_weights[-1])
    theirs = shards.read(folder)
    found = weights.read(theirs, recipe.model.layers, recipe.task.kind, path)
    _check_shapes(found, recipe.model, path)
    tokens = vocabulary.read(file)
    rows = len(found["embeddings/table"])
    if len(tokens) > rows:
        raise JobError(
            f"{file} has {len(tokens)} tokens, but the model has vectors of {rows}: do they belong"
            " together?"
        )
    return recipe, tokens, settings.labels(folder), found


def content(folder: Path) -> str:
    """What stands for the model."""
    return artifacts.fingerprint([artifacts.checksum(path) for path in files(folder)])


def files(folder: Path) -> list[Path]:
    """What a model is read from: its settings, its weights, its tokens.

    Raises:
        JobError: one of these is not there.
    """
    words = vocabulary.find(folder) or folder / vocabulary.LINES
    needed = [folder / folders.CONFIG, *shards.files(folder), words]
    if missing := [path.name for path in needed if not path.is_file()]:
        there = ", ".join(sorted(path.name for path in folder.glob("*") if path.is_file()))
        raise JobError(
            f"{folder} lacks {', '.join(missing)}; it has {there}: load it with transformers, and"
            " write model and tokenizer with save_pretrained(FOLDER)"
        )
    return needed


def _check_shapes(found: dict[str, np.ndarray], model: Bert, where: str) -> None:
    """
    Raises:
        JobError: `config.json` says other sizes than the weights have.
    """
    assert model.inner is not None
    layer = {
        "attention/qkv_kernel": (model.width, 3 * model.width),
        "inner/kernel": (model.width, model.inner),
    }
    wanted = {"embeddings/positions": (model.positions, model.width)}
    for n in range(model.layers):
        wanted |= {f"encoder/layer_{n}/{name}": shape for name, shape in layer.items()}
    for name, shape in wanted.items():
        if found[name].shape != shape:
            raise JobError(
                f"{where}: {name} has shape {found[name].shape} as textmill turns it, but"
                f" {folders.CONFIG} makes it {shape}: do they belong together?"
            )
