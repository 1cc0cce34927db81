"""Tiny SavedModels with an export's signatures, and real server processes on loopback."""

import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

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


@dataclass
class Server:
    process: subprocess.Popen
    rest: str
    grpc: str
    log: Path
    said: str  # before it was ready

    def post(self, path: str, **body) -> httpx.Response:
        return httpx.post(f"{self.rest}/v1/models/{path}", timeout=20, **body)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.rest}{path}", timeout=20)

    def wait_in_flight(self, number: int) -> None:
        """Until so many requests are being answered."""
        deadline = time.monotonic() + 20
        pattern = re.compile(r"requests_in_flight (\d\S*)")
        while float(pattern.search(self.get("/monitoring/prometheus/metrics").text)[1]) != number:
            assert time.monotonic() < deadline

    def prediction(self) -> PredictionServiceStub:
        return PredictionServiceStub(grpc.insecure_channel(self.grpc))

    def models(self) -> ModelServiceStub:
        return ModelServiceStub(grpc.insecure_channel(self.grpc))


@contextmanager
def running(folder: Path, *arguments):
    """A server process, stopped at the end."""
    log = folder / "server.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.server", "--rest-port=0", "--grpc-port=0"]
            + [str(argument) for argument in arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    said = ""
    while not (ready := re.search(r"ready: REST (\S+) gRPC (\S+)", said)):
        line = process.stdout.readline()
        assert line, f"the server ended with {process.wait()}:\n{log.read_text()}"
        said += line
    try:
        yield Server(process, ready[1], ready[2], log, said)
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()
