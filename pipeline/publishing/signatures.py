"""The functions of the SavedModel: raw texts, or token ids, in; readable answers out."""

from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.publishing.bounds import within
from pipeline.publishing.servable import Servable, specs
from pipeline.text.model_inputs import ModelInputs


def servable(
    tokenizer: Any,
    model: Any,
    labels: list[str],
    task: str,
    top_k: int,
    pair: bool = False,
    thresholds: np.ndarray | None = None,
) -> Servable:
    """What answers for whole texts, and for pairs of texts.

    serving_default: text (B,) string, and for pairs second (B,) string. ids, if the model reads
    nothing else: ids (B, T) int32, and for pairs second_ids, or of one that reads sequences of
    `pipeline.text.wrapping` these and their types, all padded with 0; one that is no id of the
    vocabulary is an error. Both answer, for classify, label (B,) string and score (B,), the best
    ones; labels (B, K) string and scores (B, K), the K best in order; probabilities (B, C) in the
    order of labels.json. For multilabel the same, but labels and scores are those of probabilities
    above their thresholds, filled up with "" and 0 to as many as the text with the most has, one at
    least; and label and score are the first of them. For regress: value (B,). All numbers are
    float32, whatever the model computes in. B and T may be 0.

    Args: pair, whether the task has second texts; thresholds, (C,), of multilabel.
    """
    inputs = ModelInputs(tokenizer, model.input, pair)

    def readable(outputs: dict[str, tf.Tensor], _: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        logits = tf.cast(outputs["logits"], tf.float32)
        if task == "regress":
            return {"value": logits[:, 0]}
        if task == "classify":
            probabilities = tf.nn.softmax(logits)
            scores, order = tf.math.top_k(probabilities, min(top_k, len(labels)))
            names = tf.gather(tf.constant(labels), order)
        else:
            assert thresholds is not None
            probabilities = tf.sigmoid(logits)
            scores, order = _passing(probabilities, thresholds)
            names = tf.where(scores > 0, tf.gather(tf.constant(labels), order), "")
        return {
            "label": names[:, 0],
            "score": scores[:, 0],
            "labels": names,
            "scores": scores,
            "probabilities": probabilities,
        }

    served = Servable(inputs, model, readable)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, n) for n in inputs.texts])
    def from_texts(text, second=None):
        return served.outputs(inputs.of_texts(text, second))

    served.functions["serving_default"] = from_texts
    if inputs.ids_alone:

        def from_ids(*tensors):
            given = dict(zip(model.input, tensors, strict=True))
            last = tokenizer.vocabulary_size - 1
            return served.outputs(
                {n: within(x, 0, 1 if n == "types" else last, n) for n, x in given.items()}
            )

        signature = list(specs(model.input).values())
        served.functions["ids"] = tf.function(from_ids, input_signature=signature)
    return served


def _passing(probabilities: tf.Tensor, thresholds: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """(B, K) probabilities above their thresholds, the highest first and then 0, and their places.

    Args: probabilities, (B, C); thresholds, (C,).
    """
    passes = probabilities > tf.constant(thresholds, tf.float32)
    most = tf.reduce_max(tf.reduce_sum(tf.cast(passes, tf.int32), axis=1))
    return tf.math.top_k(tf.where(passes, probabilities, 0.0), tf.maximum(most, 1))
