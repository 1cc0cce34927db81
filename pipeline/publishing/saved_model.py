"""An export, loaded: texts in, columns of answers out.

Needs nothing but TensorFlow and tensorflow-text, whose ops the tokenizer is made of.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.publishing.padding import padded, without_padding

Answer = Callable[..., dict[str, Any]]
TEXTS = ("text", "second")  # the inputs of signatures,
WORDS = "words"  # but of this one, which takes texts as lists of words


def load(export_dir: Path | str) -> Answer:
    """A function of B texts, and of pairs also of their B second texts, to columns of B answers.

    `signature="words"` takes B lists of words instead; others, such as `next`, take the texts.
    Texts and words may be str or bytes. The columns are arrays, and of a tagger lists of lists,
    without padding; texts in them are str.
    """
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the tokenizer's ops

    model = tf.saved_model.load(str(export_dir))

    def answer(*columns: Sequence[Any], signature: str = "serving_default") -> dict[str, Any]:
        words = signature == WORDS
        inputs = {WORDS: padded(columns[0])} if words else dict(zip(TEXTS, columns, strict=False))
        # `model` is named so that it lives as long as this function: a signature alone does not
        # keep the variables that it reads.
        outputs = model.signatures[signature](
            **{name: tf.constant(values, tf.string) for name, values in inputs.items()}
        )
        return without_padding({name: _decoded(value.numpy()) for name, value in outputs.items()})

    return answer


def _decoded(values: Any) -> Any:
    if values.dtype != object:
        return values
    return np.char.decode(values.astype(bytes), "utf-8")
