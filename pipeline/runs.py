"""Where a training job keeps its files, and how later stages read a trained model back."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from configs import loading
from configs.models import Ensemble
from configs.recipe import Recipe
from pipeline import artifacts, earlier_weights, finding_runs, members, pretrained_elmo
from pipeline.errors import JobError
from pipeline.finding_runs import THRESHOLDS, TRAINING, WEIGHTS
from pipeline.prepare.inputs import LATER
from pipeline.training import checkpoints

# What may change between two starts of the same job: none of it changes the numbers.
FREE = {"strategy", "save_every", "keep", "log_every"}


def mark(recipe: Recipe, prepared: Path) -> str:
    """The fingerprint of everything that the trained weights depend on."""
    data = artifacts.manifest(prepared)["fingerprint"]
    settings = recipe.model_dump(
        mode="json", include={"seed", "task", "model"}, exclude={"task": LATER}
    )
    train = recipe.train.model_dump(mode="json", exclude=FREE)
    return artifacts.fingerprint(data, settings, train, _starts(recipe))


def _starts(recipe: Recipe) -> list[str | None]:
    """What stands for the files and runs that a model's weights come from."""
    vectors = recipe.embedding and recipe.embedding.path
    earlier = [recipe.init_from] if recipe.init_from else []
    earlier += recipe.model.members if isinstance(recipe.model, Ensemble) else ()
    return [
        artifacts.checksum(Path(vectors)) if vectors and Path(vectors).is_file() else None,
        pretrained_elmo.content(Path(recipe.elmo.path)) if recipe.elmo else None,
        *(earlier_weights.content(earlier_weights.locate(one, recipe)) for one in earlier),
    ]


def directory(recipe: Recipe, mark: str) -> Path:
    return Path(recipe.work) / "runs" / f"{recipe.name}-{mark[:8]}"


def whole(recipe: Recipe) -> Recipe:
    """The recipe of the model that is published: one trained on cached vectors computes them."""
    embedding, elmo = recipe.embedding, recipe.elmo
    if embedding is None or elmo is None or elmo.mode != "cached":
        return recipe
    elmo = elmo.model_copy(update={"mode": "frozen"})
    embedding = embedding.model_copy(update={"elmo": elmo})
    model = recipe.model.model_copy(update={"embedding": embedding})
    return recipe.model_copy(update={"model": model})


@dataclass(frozen=True)
class Trained:
    recipe: Recipe
    prepared: Path | None  # what it learned from; None of an export whose run is not there
    tokenizer: Any  # pipeline.text's
    labels: list[str]
    model: Any  # keras.Model, with the trained weights
    thresholds: dict[str, float] | None = None  # of an export's labels, if a text may have several


def load(run_dir: Path) -> Trained:
    """Read a trained run back.

    Raises:
        JobError: the run has not finished training, or its files are damaged.
    """
    training = run_dir / TRAINING
    artifacts.check(training)
    prepared = finding_runs.prepared(run_dir)
    return _built(training, prepared, prepared, load_file(training / WEIGHTS))


def load_export(folder: Path) -> Trained:
    """Read an export back, by itself.

    Raises:
        JobError: its files are damaged, or an earlier version wrote it without what is needed.
    """
    weights = earlier_weights.read(folder).weights
    run_dir = Path(artifacts.manifest(folder)["run_dir"])
    prepared = finding_runs.prepared(run_dir) if finding_runs.found(run_dir) else None
    return _built(folder, folder, prepared, weights)


def _built(
    stage: Path, words: Path, prepared: Path | None, weights: dict[str, np.ndarray]
) -> Trained:
    """Args: stage, the folder with the recipe; words, the one with tokenizer and labels."""
    from pipeline.build import build_model
    from pipeline.text.tokenizers import load as load_tokenizer

    recipe = whole(loading.load(stage / "recipe.yaml"))
    tokenizer = load_tokenizer(words / "tokenizer")
    labels = artifacts.read_json(words / "labels.json")
    parts = [replace(part, recipe=whole(part.recipe)) for part in members.read(stage)]
    elmo = pretrained_elmo.inside(stage)
    if (isinstance(recipe.model, Ensemble) and not parts) or (recipe.elmo and not elmo):
        raise JobError(
            f"{stage} does not say what its model is made of, for an earlier version of textmill"
            " exported it: name its run, or export that again"
        )
    model = build_model(recipe, tokenizer.vocabulary, max(len(labels), 1), elmo, parts)
    checkpoints.assign(checkpoints.by_path(model.weights), weights)
    said = stage / THRESHOLDS
    thresholds = artifacts.read_json(said) if said.is_file() else None
    return Trained(recipe, prepared, tokenizer, labels, model, thresholds)
