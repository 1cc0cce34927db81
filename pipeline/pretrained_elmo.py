"""A pretrained ELMo: a run of ours, or the files that AllenNLP publishes."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from configs import loading
from configs.estimate_parts import character_width
from configs.models import Characters
from configs.models import Elmo as Settings
from configs.recipe import Recipe
from pipeline import artifacts, elmo_files, finding_runs
from pipeline.elmo_files import Elmo
from pipeline.errors import JobError

ELMO = "elmo.json"  # beside published weights: the arguments of a pretrained one among them


def read(path: Path) -> Elmo:
    """Arguments and weights of the `CharacterCNN` and the `ElmoEncoder`.

    Raises:
        JobError: there is no trained ELMo.
    """
    run = found(path)
    if run is None:
        return elmo_files.read(path)
    training = run / finding_runs.TRAINING
    artifacts.check(training)
    recipe = loading.load(training / "recipe.yaml")
    if not isinstance(recipe.model, Settings):
        raise JobError(
            f"model.embedding.elmo: {path} is a trained {recipe.model.kind}, not an elmo: name the"
            " run of a recipe with model.kind elmo"
        )
    trained = load_file(training / finding_runs.WEIGHTS)
    parts = [
        {name.removeprefix(f"{layer}/"): v for name, v in trained.items() if name.startswith(layer)}
        for layer in ("spelling", "encoder")
    ]
    return Elmo(spelling(recipe.model.characters), encoder(recipe.model), *parts)


def found(path: Path) -> Path | None:
    """The run that a path means, or None if ready files are there.

    Raises:
        JobError: there is neither.
    """
    return finding_runs.found(path) if path.exists() else finding_runs.find(path)


def content(path: Path) -> str:
    """What stands for the weights, wherever they lie."""
    run = found(path)
    files = [run / finding_runs.TRAINING / finding_runs.WEIGHTS] if run else elmo_files.files(path)
    return artifacts.fingerprint([artifacts.checksum(file) for file in files])


def save(elmo: Elmo | None, training: Path) -> None:
    """Write the arguments of the one that a model contains, if it does, beside its weights."""
    if elmo is not None:
        arguments = {"characters": elmo.characters, "encoder": elmo.encoder}
        artifacts.write_json(training / ELMO, arguments)


def inside(training: Path) -> Elmo | None:
    """The arguments of the one that a published model contains, if it does."""
    path = training / ELMO
    return Elmo(**artifacts.read_json(path)) if path.is_file() else None


def wanted(recipe: Recipe) -> Elmo | None:
    """The ELMo that a recipe's model is to contain, if it is to."""
    return read(Path(recipe.elmo.path)) if recipe.elmo else None


def cached(recipe: Recipe) -> Path | None:
    """Where it is, if the model is to learn from its vectors on disk."""
    return Path(recipe.elmo.path) if recipe.elmo and recipe.elmo.mode == "cached" else None


def weights(elmo: Elmo | None) -> dict[str, np.ndarray]:
    """By their paths in a model that computes its vectors."""
    if elmo is None:
        return {}
    parts = {"elmo_spelling": elmo.character_weights, "elmo_encoder": elmo.encoder_weights}
    return {f"{layer}/{name}": v for layer, part in parts.items() for name, v in part.items()}


def spelling(characters: Characters) -> dict[str, Any]:
    """Arguments of the `CharacterCNN`."""
    return {
        "filters": characters.filters,
        "width": characters.width,
        "num_highway": characters.highways,
        "projection": characters.projection,
        "activation": characters.activation,
    }


def encoder(model: Settings) -> dict[str, Any]:
    """Arguments of the `ElmoEncoder`, dropout apart."""
    width = character_width(model.characters)
    projection = None if width == model.units else width
    return {
        "units": model.units,
        "projection": projection,
        "num_layers": model.layers,
        "cell_clip": model.clip,
        "projection_clip": model.clip if projection else None,
    }
