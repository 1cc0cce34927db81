"""Where a training job keeps its files, and how later stages read a trained model back."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from configs import loading
from configs.models import Ensemble
from configs.recipe import Recipe
from pipeline import artifacts, earlier_weights, finding_runs, members, pretrained_elmo
from pipeline.finding_runs import TRAINING, WEIGHTS
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
    recipe = whole(loading.load(run_dir / TRAINING / "recipe.yaml"))
    prepared = finding_runs.prepared(run_dir)

    from pipeline.build import build_model
    from pipeline.text.tokenizers import load as load_tokenizer

    tokenizer = load_tokenizer(prepared / "tokenizer")
    labels = artifacts.read_json(prepared / "labels.json")
    size, training = max(len(labels), 1), run_dir / TRAINING
    parts = [replace(part, recipe=whole(part.recipe)) for part in members.read(training)]
    elmo = pretrained_elmo.inside(training)
    model = build_model(recipe, tokenizer.vocabulary, size, elmo, parts)
    values = load_file(run_dir / TRAINING / WEIGHTS)
    checkpoints.assign(checkpoints.by_path(model.weights), values)
    return Trained(recipe, prepared, tokenizer, labels, model)
