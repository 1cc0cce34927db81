"""The one place that knows both recipe kinds and component classes: a kind in, an object out."""

from typing import assert_never

import keras
import numpy as np
import tensorflow as tf

from components import optimizers
from components.embeddings import WordEmbeddings
from components.heads import LinearHead
from components.ngrams import NGramFeatures
from components.schedules import WarmupThen
from components.text_cnn import text_cnn
from configs import training
from configs.models import TextCNN
from configs.recipe import Recipe
from configs.training import Train
from pipeline import vectors


def build_model(recipe: Recipe, vocabulary: list[str], num_labels: int) -> keras.Model:
    """The recipe's model: {"ids": (B, T) int32} -> (B, num_labels) float32 logits.

    Weights are drawn from the recipe's seed; `start_from_vectors` puts pretrained ones in.
    """
    policy, seed = recipe.train.precision, recipe.seed
    match recipe.model:
        case TextCNN() as model:
            return text_cnn(
                WordEmbeddings(
                    len(vocabulary),
                    model.embedding.width,
                    model.embedding.kind,
                    seed=seed,
                    dtype=policy,
                    name="embeddings",
                ),
                NGramFeatures(
                    model.widths,
                    model.filters,
                    model.padding,
                    model.stride,
                    model.pooling,
                    model.k,
                    seed=seed + 1,
                    dtype=policy,
                    name="features",
                ),
                LinearHead(
                    num_labels,
                    model.dropout,
                    model.max_norm,
                    seed=seed + 101,
                    dtype=policy,
                    name="head",
                ),
                distinct=_on_cpu_without_xla(recipe.train),
            )
        case unknown:
            assert_never(unknown)


def _on_cpu_without_xla(settings: Train) -> bool:
    accelerated = settings.strategy.kind == "tpu" or tf.config.list_physical_devices("GPU")
    return not (settings.xla or accelerated)


def build_optimizer(
    settings: Train, total_steps: int, variables: list[keras.Variable]
) -> keras.optimizers.Optimizer:
    """The recipe's optimizer on its learning-rate schedule, built for the variables.

    Weight decay leaves biases, norms and other one-dimensional variables alone.
    """
    schedule = WarmupThen(
        settings.learning_rate,
        settings.schedule.kind,
        total_steps,
        round(settings.schedule.warmup * total_steps),
        settings.schedule.end,
    )
    chosen = settings.optimizer.model_dump(exclude={"kind"})
    weight_decay = chosen.pop("weight_decay") or None
    averaging = {"use_ema": settings.ema is not None, "ema_momentum": settings.ema or 0.0}
    match settings.optimizer:
        case training.Adam():
            kind = optimizers.Adam
        case training.SGD():
            kind = optimizers.SGD
        case training.Adadelta():
            kind = optimizers.Adadelta
        case unknown:
            assert_never(unknown)
    # The name is part of the variables' paths, which a checkpoint knows them by.
    optimizer = kind(schedule, weight_decay=weight_decay, name="optimizer", **averaging, **chosen)
    optimizer.exclude_from_weight_decay([v for v in variables if len(v.shape) < 2])
    optimizer.build(variables)
    return optimizer


def start_from_vectors(
    model: keras.Model, recipe: Recipe, vocabulary: list[str], counts: np.ndarray | None = None
) -> vectors.Coverage | None:
    """Put the recipe's pretrained word vectors, if it has any, into a new model.

    A model whose trained weights are loaded next needs none of this, nor the file.
    Args: counts, (V,) tokens of each id in the training texts.
    """
    embedding = recipe.model.embedding
    if embedding.path is None:
        return None
    matrix, coverage = vectors.load(
        embedding.path, vocabulary, embedding.width, recipe.seed, counts
    )
    model.get_layer("embeddings").set_vectors(matrix)
    return coverage
