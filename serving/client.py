"""Ask a model server from Python, over REST or gRPC: TensorFlow Serving itself or the stand-in.

    with RestClient("http://127.0.0.1:8501", "banking77") as client:
        client.predict(["where is my card?"])["label"]

`RestClient` and `GrpcClient` answer alike: texts in, of pairs two lists of them, a list for each
output out, in the texts' order; from a tagger with as many entries a text as it has words or spans.
`signature="next"` asks a language model for the next words instead.
A server that is away or too busy is asked again, more and more slowly, until the deadline.
"""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx

from pipeline.publishing.padding import padded, without_padding

Answers = dict[str, list]
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds
_BUSY = (429, 503)


IDS = {"text": "ids", "second": "second_ids"}  # the inputs of `serving_default` -> those of `ids`
TENSORS = {*IDS.values(), "types"}


class ServerError(Exception):
    """The server refused a request, or did not answer it in time."""


class _Busy(ServerError):
    """Worth asking again."""


class Client(Protocol):
    def ask(self, inputs: dict[str, list], signature_name: str) -> Answers: ...


class RestClient:
    """Args: url, such as http://127.0.0.1:8501; version, None for the newest; timeout, seconds that
    `predict` may take, retries included."""

    def __init__(self, url: str, model: str, version: int | None = None, timeout: float = 30.0):
        self._model = f"{url.rstrip('/')}/v1/models/{model}"
        self._path = self._model if version is None else f"{self._model}/versions/{version}"
        self._timeout, self._http = timeout, httpx.Client()

    def predict(
        self,
        texts: Sequence[str],
        second: Sequence[str] | None = None,
        signature: str = "serving_default",
    ) -> Answers:
        """Raises: ServerError: what the server said, or that it did not answer."""
        return without_padding(self.ask(_texts(texts, second), signature))

    def predict_words(self, words: Sequence[Sequence[str]]) -> Answers:
        """As `predict`, from a tagger and for texts that are cut into words already."""
        return without_padding(self.ask({"words": padded(words).tolist()}, "words"))

    def ask(self, inputs: dict[str, list], signature_name: str) -> Answers:
        body = {"signature_name": signature_name, "inputs": inputs}
        answers = self._send("POST", f"{self._path}:predict", body)["outputs"]
        if isinstance(answers, dict):
            return answers
        return {self._only_output(signature_name): answers}

    def _only_output(self, signature_name: str) -> str:
        """The name that the REST API leaves out when a signature has one output."""
        metadata = self._send("GET", f"{self._path}/metadata")["metadata"]
        signature = metadata["signature_def"]["signature_def"][signature_name]
        return next(iter(signature["outputs"]))

    def _send(self, method: str, url: str, body: Any = None) -> Any:
        def send(seconds: float) -> Any:
            try:
                response = self._http.request(method, url, json=body, timeout=seconds)
            except httpx.ConnectError as error:
                raise _Busy(f"{url}: {error}: is the server running?") from error
            except httpx.HTTPError as error:
                raise ServerError(f"{url}: {type(error).__name__}: {error}") from error
            if response.status_code == 200:
                return response.json()
            try:
                said = response.json()["error"]
            except (ValueError, KeyError, TypeError):
                said = response.text[:200]
            kind = _Busy if response.status_code in _BUSY else ServerError
            raise kind(f"{url}: HTTP {response.status_code}: {said}")

        return _patiently(send, self._timeout)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "RestClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class GrpcClient:
    """Args: address, such as 127.0.0.1:8500; otherwise as `RestClient`."""

    def __init__(self, address: str, model: str, version: int | None = None, timeout: float = 30.0):
        # Imported here because the stubs bring TensorFlow along, which REST does not need.
        import grpc
        from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

        self._address, self._model, self._version = address, model, version
        self._timeout = timeout
        self._channel = grpc.insecure_channel(address)
        self._stub = PredictionServiceStub(self._channel)

    def predict(
        self,
        texts: Sequence[str],
        second: Sequence[str] | None = None,
        signature: str = "serving_default",
    ) -> Answers:
        """Raises: ServerError: what the server said, or that it did not answer."""
        return without_padding(self.ask(_texts(texts, second), signature))

    def predict_words(self, words: Sequence[Sequence[str]]) -> Answers:
        """As `predict`, from a tagger and for texts that are cut into words already."""
        return without_padding(self.ask({"words": padded(words).tolist()}, "words"))

    def ask(self, inputs: dict[str, list], signature_name: str) -> Answers:
        import grpc
        import numpy as np
        from tensorflow_serving.apis.predict_pb2 import PredictRequest

        from serving.tensors import from_proto, to_proto

        request = PredictRequest()
        request.model_spec.name = self._model
        request.model_spec.signature_name = signature_name
        if self._version is not None:
            request.model_spec.version.value = self._version
        for name, values in inputs.items():
            array = np.array(values, np.int32 if name in TENSORS else object)
            if array.dtype == object:
                array.ravel()[:] = [text.encode() for text in array.ravel()]
            request.inputs[name].CopyFrom(to_proto(array))

        def send(seconds: float) -> Any:
            try:
                return self._stub.Predict(request, timeout=seconds)
            except grpc.RpcError as error:
                busy = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
                kind = _Busy if error.code() in busy else ServerError
                message = f"{self._address}: {error.code().name}: {error.details()}"
                raise kind(message) from error

        response = _patiently(send, self._timeout)
        return {name: _values(from_proto(proto)) for name, proto in response.outputs.items()}

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> "GrpcClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class TokenizingClient:
    """Cuts texts into token ids here and asks for the signature `ids`.

    Every text is padded to the tokenizer's `max_length`, because TensorFlow Serving batches equal
    shapes only. Padding changes no answer.

    Args: client, what to ask with; tokenizer, the folder `tokenizer` of an export;
        sequences, whether the model reads those of `pipeline.text.wrapping`, as a bert and a gpt
        do.
    """

    def __init__(self, client: Client, tokenizer: Path, sequences: bool = False):
        from pipeline.text import tokenizers, wrapping

        self._client, self._tokenizer = client, tokenizers.load(tokenizer)
        self._wrapping = wrapping.wrapping(self._tokenizer) if sequences else None

    def predict(self, texts: Sequence[str], second: Sequence[str] | None = None) -> Answers:
        from pipeline.text.wrapping import wrapped

        columns = _texts(texts, second)
        made = {IDS[name]: self._tokenizer.ids(some) for name, some in columns.items()}
        if self._wrapping is not None:
            both = wrapped(self._wrapping, *made.values())
            made = dict(zip(("ids", "types"), both, strict=True))
        return self._client.ask({name: self._padded(some) for name, some in made.items()}, "ids")

    def _padded(self, some: Any) -> list:
        shape = [None, self._tokenizer.settings.max_length]
        return some.to_tensor(self._tokenizer.pad_id, shape=shape).numpy().tolist()


def _texts(texts: Sequence[str], second: Sequence[str] | None) -> dict[str, list]:
    return {"text": list(texts), **({} if second is None else {"second": list(second)})}


def _patiently(send: Callable[[float], Any], timeout: float) -> Any:
    """Send until there is an answer, or an error that time does not heal, or no time is left."""
    deadline, pause = time.monotonic() + timeout, _FIRST_PAUSE
    while True:
        try:
            return send(deadline - time.monotonic())
        except _Busy:
            # Half of the pause is random, so that clients refused together do not return together.
            wait = pause * random.uniform(0.5, 1.0)
            if time.monotonic() + wait >= deadline:
                raise
            time.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _values(array: Any) -> list:
    if array.dtype != object:
        return array.tolist()
    if array.ndim > 1:
        return [_values(row) for row in array]
    return [value.decode(errors="replace") for value in array]
