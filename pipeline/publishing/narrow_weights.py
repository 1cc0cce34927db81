"""Weights in the 16 bits that a model reads of them, made once and not with every request.

Under mixed precision weights are float32, and what multiplies them rounds them first. Training has
to, as they change; where they do not, that is half of the time of a short text. The answers stay
the same to the last bit.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import tensorflow as tf

NARROW = (tf.bfloat16, tf.float16)
Copies = list[tuple[keras.Variable, tf.Variable]]


def narrow_copies(weights: Iterable[keras.Variable], traced: Any) -> Copies:
    """Each weight of which a traced function reads nothing but 16 bits, and a variable of these."""
    inside = {id(outside): handle for outside, handle in traced.graph.captures}
    found: Copies = []
    for weight in weights:
        dtype = rounded_to(inside.get(id(weight.value.handle)))
        if dtype is not None:
            found.append((weight, tf.Variable(tf.cast(weight.value, dtype), trainable=False)))
    return found


def rounded_to(handle: tf.Tensor | None) -> tf.DType | None:
    """To what a variable is rounded wherever it is read; None if it is not, or not everywhere."""
    reads = [] if handle is None else handle.consumers()
    if any(read.type != "ReadVariableOp" for read in reads):
        return None
    uses = [use for read in reads for use in read.outputs[0].consumers()]
    kinds = {use.get_attr("DstT") if use.type == "Cast" else None for use in uses}
    return next(iter(kinds)) if len(kinds) == 1 and kinds <= set(NARROW) else None


def reading(copies: Copies) -> AbstractContextManager:
    """Where these are read in place of the weights."""
    if not copies:
        return nullcontext()
    scope = keras.StatelessScope(initialize_variables=False)
    for weight, copy in copies:
        scope.add_update((weight, tf.convert_to_tensor(copy)))
    return scope
