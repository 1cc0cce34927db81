"""Tiny SavedModels with an export's signatures."""

from pathlib import Path

import numpy as np
import tensorflow as tf

LABELS = 5
TEXTS = ["where is my card?", "", "Grüße aus Köln", "a", "pay 10 € now, please " * 5]

CONFIG = """model_config_list {
  config { name: "tiny" base_path: "/models/tiny" model_platform: "tensorflow" }
  config { name: "both" base_path: "/models/tiny" model_platform: "tensorflow"
    model_version_policy { latest { num_versions: 2 } }
    version_labels { key: "stable" value: 1 }
    version_labels { key: "missing" value: 9 } } }"""


class Tiny(tf.Module):
    """Byte counts times fixed weights; `version` is in the labels and in the scores."""

    def __init__(self, version):
        super().__init__()
        weights = np.random.default_rng(version).normal(size=(256, LABELS)).astype("float32")
        self.weights = tf.Variable(weights)
        self.names = tf.constant([f"v{version} label {i}" for i in range(LABELS)])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def from_text(self, text):
        letters = tf.strings.bytes_split(text)
        codes = tf.reshape(tf.io.decode_raw(letters.values, tf.uint8), [-1])
        rows = letters.value_rowids()
        sums = tf.math.unsorted_segment_sum(
            tf.gather(self.weights, tf.cast(codes, tf.int32)),
            rows,
            tf.shape(text, out_type=tf.int64)[0],
        )
        return self.answers(sums)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="ids")])
    def from_ids(self, ids):
        return self.answers(tf.reduce_sum(tf.gather(self.weights, ids), axis=1))

    def answers(self, logits):
        probabilities = tf.nn.softmax(logits)
        scores, order = tf.math.top_k(probabilities, 3)
        labels = tf.gather(self.names, order)
        return {
            "label": labels[:, 0],
            "score": scores[:, 0],
            "labels": labels,
            "scores": scores,
            "probabilities": probabilities,
        }


def save(model_dir: Path, version: int) -> Path:
    """Publish a version as an export does: whole, by renaming."""
    model, path = Tiny(version), model_dir / str(version)
    signatures = {"serving_default": model.from_text, "ids": model.from_ids}
    unfinished = path.with_name(path.name + ".unfinished")
    tf.saved_model.save(model, str(unfinished), signatures)
    return unfinished.rename(path)


def expected(path: Path, texts) -> dict[str, np.ndarray]:
    """The answers by TensorFlow's own loader, without any of our code."""
    model = tf.saved_model.load(str(path))
    outputs = model.signatures["serving_default"](text=tf.constant(texts))
    return {name: value.numpy() for name, value in outputs.items()}
