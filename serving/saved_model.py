"""A SavedModel as TF Serving runs it: one session, and one callable for each signature.

TF Serving itself runs a session over the graph, not Keras or `tf.function` objects; doing the same
here means that what loads and answers here is what will there.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the ops that tokenize inside the graph)
from grpc import StatusCode
from tensorflow_serving.apis import prediction_log_pb2

from pipeline import artifacts
from pipeline.errors import JobError
from serving.status import RequestError, from_exception, invalid
from serving.tensors import from_proto

WARMUP = "assets.extra/tf_serving_warmup_requests"
DEFAULT_SIGNATURE = "serving_default"
tf.get_logger().setLevel("ERROR")  # the session's loader is announced as deprecated each time


@dataclass(frozen=True)
class Input:
    dtype: tf.DType
    shape: tuple[int | None, ...] | None  # None: of any rank

    def check(self, name: str, value: np.ndarray) -> None:
        if value.dtype != self.dtype.as_numpy_dtype:
            got = tf.as_dtype(value.dtype).name
            raise invalid(f"input {name}: expected {self.dtype.name} but got {got}")
        if self.shape is None:
            return
        fits = len(value.shape) == len(self.shape) and all(
            want is None or want == got for want, got in zip(self.shape, value.shape, strict=True)
        )
        if not fits:
            want = [-1 if size is None else size for size in self.shape]
            raise invalid(f"input {name}: expected shape {want} but got {list(value.shape)}")


class Signature:
    """Arrays by input name -> arrays by output name; the first axis of all of them is the batch."""

    def __init__(self, session, name: str, definition):
        self.name = name
        self.inputs = {
            alias: Input(tf.as_dtype(info.dtype), _shape(info.tensor_shape))
            for alias, info in sorted(definition.inputs.items())
        }
        self.outputs = sorted(definition.outputs)
        self._call = session.make_callable(
            [definition.outputs[alias].name for alias in self.outputs],
            [definition.inputs[alias].name for alias in self.inputs],
        )

    def check(self, inputs: dict[str, np.ndarray]) -> int:
        """The number of rows of a request that fits the signature.

        Raises:
            RequestError: inputs missing or unknown, or of another type, shape or batch size.
        """
        self.check_names(inputs)
        for name, value in inputs.items():
            self.inputs[name].check(name, value)
            if value.ndim == 0:
                raise invalid("Batching Run() input tensors must have at least one dimension")
        rows = {len(value) for value in inputs.values()}
        if len(rows) != 1:
            raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
        return rows.pop()

    def check_names(self, inputs: Collection[str]) -> None:
        """Raises: RequestError: an input is missing or unknown."""
        given, wanted = set(inputs), set(self.inputs)
        if given != wanted:
            raise invalid(
                f"inputs do not match signature {self.name!r}: got {len(given)} of {len(wanted)}."
                f" Missing but required: {{{','.join(sorted(wanted - given))}}}."
                f" Sent extra: {{{','.join(sorted(given - wanted))}}}."
            )

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            outputs = self._call(*[inputs[name] for name in self.inputs])
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise from_exception(error) from error
        return dict(zip(self.outputs, outputs, strict=True))


class SavedModel:
    """A SavedModel directory, loaded. Slow to make, and safe to run from several threads."""

    def __init__(self, directory: Path):
        self.directory = directory
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph)
        with graph.as_default():
            meta = tf.compat.v1.saved_model.load(self._session, ["serve"], str(directory))
        self.definitions: dict[str, Any] = dict(meta.signature_def)
        self.signatures = {
            name: Signature(self._session, name, definition)
            for name, definition in self.definitions.items()
            if definition.inputs  # leaves out __saved_model_init_op
        }

    def warm_up(self) -> int:
        """Run the requests that the export brought along; the first runs are the slow ones."""
        count = 0
        for request in _warm_up_requests(self.directory / WARMUP):
            signature = self.signatures[request.model_spec.signature_name or DEFAULT_SIGNATURE]
            inputs = {name: from_proto(proto) for name, proto in request.inputs.items()}
            signature.check(inputs)
            signature(inputs)
            count += 1
        return count

    def close(self) -> None:
        self._session.close()


def load_warm(directory: Path) -> tuple[SavedModel, int]:
    """A model that has run its warm-up requests, and how many these were.

    Raises:
        RequestError: a file is not what the export wrote, where a manifest tells.
    """
    if (directory / artifacts.MANIFEST).is_file():
        try:
            artifacts.check(directory)
        except JobError as error:
            raise RequestError(StatusCode.DATA_LOSS, str(error)) from error
    model = SavedModel(directory)
    try:
        return model, model.warm_up()
    except Exception:
        model.close()
        raise


def _warm_up_requests(path: Path) -> Iterator[Any]:
    if path.is_file():
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog.FromString(record)
            if log.WhichOneof("log_type") == "predict_log":
                yield log.predict_log.request


def _shape(proto) -> tuple[int | None, ...] | None:
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size == -1 else dim.size for dim in proto.dim)
