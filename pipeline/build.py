"""The one place that knows both recipe kinds and component classes: a kind in, an object out."""

from typing import assert_never

import keras

from components.embeddings import WordEmbeddings
from components.heads import LinearHead
from components.ngrams import NGramFeatures
from components.text_cnn import text_cnn
from configs.models import TextCNN
from configs.recipe import Recipe


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
            )
        case unknown:
            assert_never(unknown)
