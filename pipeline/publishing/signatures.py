"""The functions of the SavedModel: raw texts, or token ids, in; readable answers out."""

from pathlib import Path
from typing import Any

import tensorflow as tf


class Servable(tf.Module):
    """A tokenizer and a trained model as one thing that `tf.saved_model.save` takes.

    serving_default: text (B,) string. ids: ids (B, T) int32, padded with 0. Both answer, for
    classify and multilabel, label (B,) string and score (B,), the best ones; labels (B, K) string
    and scores (B, K), the K best in order; probabilities (B, C) in the order of labels.json. For
    regress: value (B,). All numbers are float32, whatever the model computes in. B and T may be 0.
    """

    def __init__(self, tokenizer: Any, model: Any, labels: list[str], task: str, top_k: int):
        super().__init__()
        self.tokenizer = tokenizer
        # What the functions read has to hang on this object; the weights do, the Keras objects
        # do not, so that the export needs no Keras to be loaded.
        self.weights = [weight.value for weight in model.weights]
        k = min(top_k, len(labels))

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="ids")])
        def from_ids(ids):
            # TensorFlow's kernels are not all right for empty tensors (oneDNN's fused convolution
            # is not), so the model always sees a row and a token, though they be padding.
            shape = tf.shape(ids)
            ids = tf.pad(ids, [[0, tf.cast(size == 0, tf.int32)] for size in tf.unstack(shape)])
            logits = model({"ids": ids}, training=False)["logits"][: shape[0]]  # (B, C)
            logits = tf.cast(logits, tf.float32)
            if task == "regress":
                return {"value": logits[:, 0]}
            probabilities = tf.nn.softmax(logits) if task == "classify" else tf.sigmoid(logits)
            scores, order = tf.math.top_k(probabilities, k)
            names = tf.gather(tf.constant(labels), order)
            return {
                "label": names[:, 0],
                "score": scores[:, 0],
                "labels": names,
                "scores": scores,
                "probabilities": probabilities,
            }

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def from_text(text):
            return from_ids(tokenizer.ids(text).to_tensor(0))

        self.from_ids, self.from_text = from_ids, from_text

    def save(self, directory: Path) -> None:
        signatures = {"serving_default": self.from_text, "ids": self.from_ids}
        tf.saved_model.save(self, str(directory), signatures)
