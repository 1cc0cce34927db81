"""What a training job learns from: the splits in memory, and the batches that they are cut into."""

from pathlib import Path

import numpy as np

from configs.loading import RecipeError
from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel
from configs.transformers import Gpt
from pipeline import (
    artifacts,
    batching,
    contextual_vectors,
    data,
    masking,
    pretrained_elmo,
    pretraining,
    tasks,
)
from pipeline.batching import Batches
from pipeline.data import Split
from pipeline.packed_windows import PackedWindows
from pipeline.streams import Streams
from pipeline.training import distribute

# With XLA or on a TPU each new shape is compiled, so lengths are rounded up to a multiple of this.
LENGTH_STEP = 16


def load(recipe: Recipe, prepared: Path, labels: list[str]) -> dict[str, Split]:
    """The splits to learn from and to validate on, by name."""
    task = recipe.task
    splits = {
        name: pretraining.load(prepared, name, task)
        if isinstance(task, MaskedLanguageModel)
        else data.load(prepared, name, recipe, len(labels))
        for name, facts in artifacts.manifest(prepared)["splits"].items()
        if name != "test" and facts["examples"]
    }
    if elmo := pretrained_elmo.cached(recipe):
        patience = distribute.patience(recipe.train.strategy)
        directory = contextual_vectors.compute(prepared, recipe, elmo, patience)
        splits = {n: contextual_vectors.added(s, directory, n) for n, s in splits.items()}
    weights = tasks.class_weights(task, labels, splits["train"].labels)
    return splits | {"train": data.weighted(splits["train"], weights)}


def batches(recipe: Recipe, split: Split, replicas: int) -> Batches | PackedWindows | Streams:
    """The batches of the training split.

    Raises:
        RecipeError: a language model's rows cannot be shared out evenly, so that each keeps its
            state.
    """
    settings, task = recipe.train, recipe.task
    parts = replicas * settings.accumulation
    static = settings.xla or settings.strategy.kind == "tpu"
    if isinstance(task, LanguageModel) and isinstance(recipe.model, Gpt):
        context = recipe.model.context
        return PackedWindows(split, settings, recipe.seed, task, context, parts, static)
    if isinstance(task, LanguageModel):
        if settings.batch_size is None or settings.batch_size % parts:
            raise RecipeError(
                f"train.batch_size: a language model needs as many rows for each of {parts} parts"
                f" ({replicas} replicas, accumulation {settings.accumulation}), got"
                f" {settings.batch_size}"
            )
        both = recipe.model.kind == "elmo"
        return Streams(split, settings, recipe.seed, task, both, recipe.backward)
    fixed = (settings.batch_size or 1, LENGTH_STEP) if static else (1, 1)

    def masked(epoch: int, rows: np.ndarray) -> dict:
        row_keys = masking.keys(recipe.seed, epoch, rows)
        return pretraining.batch(split, rows, row_keys, parts, fixed)

    def plain(epoch: int, rows: np.ndarray) -> dict:
        return batching.batch(split, rows, parts, fixed)

    if isinstance(task, MaskedLanguageModel):
        return Batches(split, settings, recipe.seed, masked, pretraining.signature())
    return Batches(split, settings, recipe.seed, plain, batching.signature(split))
