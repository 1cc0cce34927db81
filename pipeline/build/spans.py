"""Recurrent models of span questions."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from components.span_head import SpanHead
from components.text_models import Reader, span_reader
from configs.recipe import Recipe


def recurrent_spans(recipe: Recipe, vectors: list[tuple], encode: Callable) -> keras.Model:
    """Beside its own vector a token has two numbers, that it is of the question or of the context.

    Args: vectors, encode, see `Reader`.
    """
    policy = recipe.train.precision
    dtype = keras.DTypePolicy(policy).compute_dtype

    def sides(types: Any) -> Any:
        return ops.one_hot(types, 2, dtype=dtype)

    read = Reader([*vectors, ("types", (), "int32", sides)], encode)
    head = SpanHead(recipe.seed + 101, dtype=policy, name="head")
    return span_reader(read, head, recipe.model.kind)
