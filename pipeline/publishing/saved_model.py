"""An export, loaded: texts in, columns of answers out.

Needs nothing but TensorFlow and tensorflow-text, whose ops the tokenizer is made of.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Answer = Callable[[Sequence[str] | Sequence[bytes]], dict[str, Any]]


def load(export_dir: Path | str) -> Answer:
    """A function of B texts to arrays whose first axis is B, texts in them as Python strings."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the tokenizer's ops

    model = tf.saved_model.load(str(export_dir))

    def answer(texts: Sequence[str] | Sequence[bytes]) -> dict[str, Any]:
        # `model` is named so that it lives as long as this function: a signature alone does not
        # keep the variables that it reads.
        outputs = model.signatures["serving_default"](text=tf.constant(texts, tf.string))
        return {name: _decoded(value.numpy()) for name, value in outputs.items()}

    return answer


def _decoded(values: Any) -> Any:
    if values.dtype != object:
        return values
    import numpy as np

    return np.char.decode(values.astype(bytes), "utf-8")
