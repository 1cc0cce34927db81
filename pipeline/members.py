"""The members of an ensemble: what to build them from, kept with the ensemble's own weights."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from configs import loading
from configs.models import Ensemble
from configs.recipe import Recipe
from pipeline import artifacts, finding_runs, pretrained_elmo, provenance
from pipeline.elmo_files import Elmo
from pipeline.errors import JobError
from pipeline.finding_runs import TRAINING, WEIGHTS

FOLDER = "members"  # in an ensemble's published training: a folder for each, 0 and so on
RECIPE = "recipe.yaml"


@dataclass(frozen=True)
class Member:
    recipe: Recipe
    elmo: Elmo | None


def name(number: int) -> str:
    return f"member_{number}"


def find(recipe: Recipe, prepared: Path) -> list[Path]:
    """The runs of an ensemble's members.

    Raises:
        JobError: there is no such run, or one cannot answer together with the others.
    """
    assert isinstance(recipe.model, Ensemble)
    runs = [finding_runs.find(member) for member in recipe.model.members]
    for run in runs:
        _check(run, recipe, prepared)
    if len({finding_runs.recipe(run).sequences for run in runs}) > 1:
        raise JobError(
            "model.members: a model of kind bert or gpt reads a text, or a pair as one, between"
            " [CLS] and [SEP], and models of other kinds do not: name members of which all or none"
            " are bert or gpt"
        )
    return runs


def weights(runs: list[Path]) -> dict[str, np.ndarray]:
    """Of all, by their paths in the ensemble."""
    return {
        f"{name(number)}/{path}": value
        for number, run in enumerate(runs)
        for path, value in load_file(run / TRAINING / WEIGHTS).items()
    }


def save(runs: list[Path], folder: Path) -> None:
    """Keep what `read` needs of them."""
    for number, run in enumerate(runs):
        own = folder / FOLDER / str(number)
        own.mkdir(parents=True)
        for file in (RECIPE, pretrained_elmo.ELMO):
            if (run / TRAINING / file).is_file():
                shutil.copy(run / TRAINING / file, own / file)


def copy(training: Path, folder: Path) -> None:
    """Take over to an export what a model is made of: an ensemble's members, a pretrained ELMo."""
    if (training / FOLDER).is_dir():
        shutil.copytree(training / FOLDER, folder / FOLDER)
    if (training / pretrained_elmo.ELMO).is_file():
        shutil.copy(training / pretrained_elmo.ELMO, folder)


def read(folder: Path) -> list[Member]:
    """Those that were saved, in their order; none of a model that is no ensemble."""
    folders = sorted((folder / FOLDER).glob("*"), key=lambda own: int(own.name))
    return [Member(loading.load(own / RECIPE), pretrained_elmo.inside(own)) for own in folders]


def _check(run: Path, recipe: Recipe, prepared: Path) -> None:
    artifacts.check(run / TRAINING)
    own = loading.load(run / TRAINING / RECIPE)
    if isinstance(own.model, Ensemble):
        raise JobError(
            f"model.members: {run} is an ensemble itself: name its members,"
            f" {', '.join(own.model.members)}"
        )
    here, there = (artifacts.manifest(p) for p in (prepared, finding_runs.prepared(run)))
    if here["fingerprint"] != there["fingerprint"]:
        ours, theirs = (provenance.flatten(facts["settings"]) for facts in (here, there))
        differ = [f"{k} ({theirs.get(k)} there)" for k in ours if ours[k] != theirs.get(k)]
        raise JobError(
            f"model.members: {run} learned from other prepared data, {there['fingerprint']}, than"
            f" this recipe's, {here['fingerprint']}: they differ in"
            f" {', '.join(differ) or 'the content of files'}"
        )
    if own.train.precision != recipe.train.precision:
        raise JobError(
            f"model.members: {run} computes in {own.train.precision}, this recipe says"
            f" {recipe.train.precision}: set train.precision={own.train.precision}, and name only"
            " members of one precision"
        )
