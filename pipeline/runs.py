"""Where a training job keeps its files, and how later stages read a trained model back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from configs import loading
from configs.recipe import Recipe
from pipeline import artifacts
from pipeline.training import checkpoints

TRAINING = "training"  # the published stage: weights.safetensors, history.json
WEIGHTS = "weights.safetensors"
ELMO = "elmo.json"  # the arguments of a pretrained one that the model contains

# What may change between two starts of the same job: none of it changes the numbers.
FREE = {"strategy", "save_every", "keep", "log_every"}


def mark(recipe: Recipe, prepared: Path) -> str:
    """The fingerprint of everything that the trained weights depend on."""
    data = artifacts.manifest(prepared)["fingerprint"]
    settings = recipe.model_dump(mode="json", include={"seed", "task", "model"})
    train = recipe.train.model_dump(mode="json", exclude=FREE)
    return artifacts.fingerprint(data, settings, train, [_content(p) for p in _starts(recipe)])


def _starts(recipe: Recipe) -> list[str]:
    """The files that a model's first weights are read from."""
    paths = [recipe.embedding and recipe.embedding.path, recipe.elmo and recipe.elmo.path]
    return [path for path in paths if path]


def _content(path: str) -> str | None:
    """What stands for a file, or for a run's trained weights."""
    for file in (Path(path), Path(path, TRAINING, WEIGHTS), Path(path, "weights.hdf5")):
        if file.is_file():
            return artifacts.checksum(file)
    return None


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
    prepared: Path
    tokenizer: Any  # pipeline.text's
    labels: list[str]
    model: Any  # keras.Model, with the trained weights


def load(run_dir: Path) -> Trained:
    """Read a trained run back.

    Raises:
        JobError: the run has not finished training, or its files are damaged.
    """
    artifacts.check(run_dir / TRAINING)
    facts = artifacts.manifest(run_dir / TRAINING)
    recipe = whole(loading.load(run_dir / TRAINING / "recipe.yaml"))
    prepared = Path(facts["prepared"])

    from pipeline import elmo_files
    from pipeline.build import build_model
    from pipeline.text.tokenizers import load as load_tokenizer

    tokenizer = load_tokenizer(prepared / "tokenizer")
    labels = artifacts.read_json(prepared / "labels.json")
    elmo = None
    if (run_dir / TRAINING / ELMO).is_file():
        elmo = elmo_files.Elmo(**artifacts.read_json(run_dir / TRAINING / ELMO))
    model = build_model(recipe, tokenizer.vocabulary, max(len(labels), 1), elmo)
    values = load_file(run_dir / TRAINING / WEIGHTS)
    checkpoints.assign(checkpoints.by_path(model.weights), values)
    return Trained(recipe, prepared, tokenizer, labels, model)
