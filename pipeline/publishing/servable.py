"""A tokenizer and a trained model as one thing that `tf.saved_model.save` takes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipeline.publishing.narrow_weights import NarrowWeights
from pipeline.text.model_inputs import ModelInputs


class Servable(tf.Module):
    """Signatures by name, over one tokenizer and one copy of the model's graph.

    Args: inputs, from texts to what the model reads; model, of Keras; answer, (the model's
        outputs, its inputs) -> tensors of B rows.

    Attributes: functions, the signatures, to fill before `save`; outputs, a tf.function of the
        model's inputs, in which B and T may be 0, to the answer; narrow, which makes other
        functions that ask the model.
    """

    def __init__(
        self, inputs: ModelInputs, model: Any, answer: Callable[[dict, dict], dict]
    ) -> None:
        super().__init__()
        self.inputs = inputs
        # What the functions read has to hang on this object; the weights do, the Keras objects
        # do not, so that the export needs no Keras to be loaded.
        self.weights = [weight.value for weight in model.weights]
        self.functions: dict[str, Any] = {}

        self.narrow = NarrowWeights(model.weights)

        @self.narrow.function([specs(model.input)])
        def outputs(inputs):
            rows = tf.shape(inputs["ids"])[0]
            given = {name: not_empty(value) for name, value in inputs.items()}
            found = answer(model(given, training=False), given)
            return {name: x[:rows] for name, x in found.items()}

        self.outputs = outputs

    def save(self, directory: Path) -> None:
        self.narrow_weights = list(self.narrow.copies.values())
        tf.saved_model.save(self, str(directory), dict(self.functions))


def specs(inputs: Mapping[str, Any]) -> dict[str, tf.TensorSpec]:
    """Of a model's inputs, with rows and lengths left open."""
    return {
        name: tf.TensorSpec([None, None, *x.shape[2:]], x.dtype, name=name)
        for name, x in inputs.items()
    }


def not_empty(x: tf.Tensor) -> tf.Tensor:
    """At least one row and one token, though they be padding.

    TensorFlow's kernels are not all right for empty tensors (oneDNN's fused convolution is not).
    """
    missing = [[0, tf.cast(size == 0, tf.int32)] for size in tf.unstack(tf.shape(x))[:2]]
    return tf.pad(x, missing + [[0, 0]] * (x.shape.rank - 2))
