"""Weights in the 16 bits that a model reads of them, made once and not with every request.

Under mixed precision weights are float32, and what multiplies them rounds them first. Training has
to, as they change; where they do not, that is half of the time of a short text. The answers stay
the same to the last bit.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any

import keras
import tensorflow as tf

NARROW = (tf.bfloat16, tf.float16)
# Ops that pass their inputs on to functions: by type the attributes that name these, and how many
# inputs stand before those that are passed on.
CALLS = {
    "PartitionedCall": (("f",), 0),
    "StatefulPartitionedCall": (("f",), 0),
    "If": (("then_branch", "else_branch"), 1),
    "StatelessIf": (("then_branch", "else_branch"), 1),
    "While": (("cond", "body"), 0),
    "StatelessWhile": (("cond", "body"), 0),
}
Copies = list[tuple[keras.Variable, tf.Variable]]


class NarrowWeights:
    """The copies that some functions of one model share.

    Attributes: copies, made so far, by the path of the weight.
    """

    def __init__(self, weights: Iterable[keras.Variable]) -> None:
        self.weights = list(weights)
        self.copies: dict[str, tf.Variable] = {}

    def function(self, signature: list) -> Callable[[Callable], Any]:
        """A decorator as tf.function; what it makes reads copies where it would only round."""

        def decorated(python_function: Callable) -> Any:
            wide = tf.function(python_function, input_signature=signature)
            copies = self.of(wide.get_concrete_function())
            if not copies:
                return wide

            @wraps(python_function)
            def narrow(*inputs):
                with reading(copies):
                    return python_function(*inputs)

            return tf.function(narrow, input_signature=signature)

        return decorated

    def of(self, traced: Any) -> Copies:
        """Each weight of which a traced function reads nothing but 16 bits, and its copy."""
        inside = {id(outside): handle for outside, handle in traced.graph.captures}
        found: Copies = []
        for weight in self.weights:
            dtype = rounded_to(inside.get(id(weight.value.handle)))
            if dtype is None:
                continue
            if weight.path not in self.copies:
                copy = tf.Variable(tf.cast(weight.value, dtype), trainable=False)
                self.copies[weight.path] = copy
            found.append((weight, self.copies[weight.path]))
        return found


def rounded_to(handle: tf.Tensor | None) -> tf.DType | None:
    """To what a variable is rounded wherever it is read; None if it is not, or not everywhere."""
    reads = [] if handle is None else list(readers(handle))
    if any(read.type != "ReadVariableOp" for read in reads):
        return None
    uses = [use for read in reads for use in readers(read.outputs[0])]
    kinds = {use.get_attr("DstT") if use.type == "Cast" else None for use in uses}
    return next(iter(kinds)) if len(kinds) == 1 and kinds <= set(NARROW) else None


def readers(tensor: tf.Tensor) -> Iterator[tf.Operation]:
    """The ops that read a tensor, in branches and loops too."""
    for op in tensor.consumers():
        attributes, before = CALLS.get(op.type, ((), 0))
        if not attributes and op.type != "Identity":
            yield op
        if op.type == "Identity":  # as a loop hands on to its next turn what it does not change
            yield from readers(op.outputs[0])
        for place, given in enumerate(op.inputs):
            for attribute in attributes:
                if given is tensor and place >= before:
                    called = op.graph._get_function(op.get_attr(attribute).name).graph
                    yield from readers(called.inputs[place - before])


def reading(copies: Copies) -> AbstractContextManager:
    """Where these are read in place of the weights."""
    if not copies:
        return nullcontext()
    scope = keras.StatelessScope(initialize_variables=False)
    for weight, copy in copies:
        scope.add_update((weight, tf.convert_to_tensor(copy)))
    return scope
