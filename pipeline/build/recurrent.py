"""Recurrent encoders, and what makes one vector of a text."""

from typing import Any, assert_never

import keras

from components import pooling as layers
from components.recurrent_stack import RecurrentStack
from configs.models import Recurrent
from configs.poolings import Attention, Pool, Pooling, SelfAttentive
from configs.recipe import Recipe


def stack(recipe: Recipe, model: Recurrent) -> RecurrentStack:
    return RecurrentStack(
        model.units,
        model.kind,
        model.layers,
        model.bidirectional,
        model.dropout,
        model.residual,
        activation=model.activation,
        projection=model.projection,
        cell_clip=model.cell_clip,
        forget_bias=model.forget_bias,
        recurrent_dropout=model.recurrent_dropout,
        seed=recipe.seed + 301,
        dtype=recipe.train.precision,
        name="encoder",
    )


def pooling(recipe: Recipe, settings: Pooling, bidirectional: bool = False) -> keras.layers.Layer:
    """Args: bidirectional, whether a recurrent network in both directions made the vectors."""
    seed = recipe.seed + 401
    # A bidirectional encoder ends at both ends of a text.
    ends = {"last": "ends", "concat": "concat_ends"} if bidirectional else {}
    rest: dict[str, Any] = {"dtype": recipe.train.precision, "name": "pooling"}
    match settings:
        case Pool(kind=kind):
            return layers.Pool(ends.get(kind, kind), **rest)
        case Attention(score=score, query=query, width=width, hard=hard):
            asked = ends.get(query, query)
            longest = recipe.text.max_length
            return layers.AttentionPool(score, width, longest, asked, hard, seed, **rest)
        case SelfAttentive(hops=hops, width=width, penalty=penalty):
            return layers.SelfAttentivePool(hops, width, penalty, seed, **rest)
        case unknown:
            assert_never(unknown)
