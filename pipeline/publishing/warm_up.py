"""Requests that TF Serving answers before it calls a version available.

Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from pipeline.publishing.golden import Example
from pipeline.publishing.written_texts import GREEDY
from pipeline.text.model_inputs import ModelInputs

BATCHES = (1, 8, 32)


def write(
    folder: Path,
    name: str,
    signatures: Iterable[str],
    examples: Sequence[Example],
    inputs: ModelInputs,
) -> None:
    """Ask every signature for batches of the examples.

    Args: folder, the export; name, the model's.
    """
    (folder / "assets.extra").mkdir()
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in BATCHES:
            batch = [examples[i % len(examples)] for i in range(size)]
            texts = [tf.constant(column) for column in zip(*batch, strict=True)]
            for signature in signatures:
                asked = dict(zip(inputs.texts, texts, strict=True))
                if signature == "ids":
                    asked = inputs.of_texts(*texts)
                elif signature == "generate":
                    same = {**GREEDY, "tokens": 2}
                    how = {name: tf.fill([size], value) for name, value in same.items()}
                    asked = {**asked, **how}
                elif signature == "words":
                    asked = {"words": inputs.tokenizer.words(*texts)[0].to_tensor("")}
                writer.write(_logged(name, signature, asked).SerializeToString())


def _logged(
    name: str, signature: str, inputs: Mapping[str, tf.Tensor]
) -> prediction_log_pb2.PredictionLog:
    request: Any = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.CopyFrom(request)
    return log
