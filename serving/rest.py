"""TF Serving's REST API: predict, status and metadata, with its paths, bodies and errors.

Source: https://www.tensorflow.org/tfx/serving/api_rest; the paths, and where their case does not
matter, are those of model_servers/http_rest_api_util.cc.
"""

import json
import re
from collections.abc import Callable
from urllib.parse import unquote

from google.protobuf.json_format import MessageToDict, MessageToJson
from grpc import StatusCode
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.admission import Admission
from serving.answers import metadata, status
from serving.aside import Aside
from serving.bodies import TooLarge, read_body
from serving.json_tensors import PredictJson, answer
from serving.saved_model import DEFAULT_SIGNATURE
from serving.status import HTTP_STATUS, RequestError, invalid
from serving.versions import Models

_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
# TF Serving finds ":Predict", too, but has no answer for it: what follows the colon is lower case.
_PREDICT = re.compile(
    rf"(?i:/v1/models/(?P<name>[^/:]+){_VERSION}):(?P<method>classify|regress|predict)"
)
_STATUS = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?P<metadata>/metadata)?", re.I)
_LARGEST_VERSION = 2**63 - 1


class RestApi:
    """The REST API as an ASGI application.

    Args:
        largest_body: bytes.
        most_values: that a body may hold, as `ValueCounter` counts them.
        metrics_path: None, if there is none.
        stopping: once it says so, every answer closes its connection.
    """

    def __init__(
        self,
        models: Models,
        admission: Admission,
        aside: Aside,
        largest_body: int,
        most_values: int,
        metrics_path: str | None,
        stopping: Callable[[], bool],
    ):
        self.models, self.admission, self.aside = models, admission, aside
        self.largest_body, self.most_values = largest_body, most_values
        self.metrics_path, self.stopping = metrics_path, stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if path == self.metrics_path and request.method in ("GET", "HEAD"):
            return Response(self.admission.metrics(), media_type="text/plain; version=0.0.4")
        if not path.lower().startswith("/v1/"):
            return self._reply(_error(f"nothing is at {path[:200]}"), 404)
        try:
            if request.method == "POST":
                answered = await self._predict(request, _matched(_PREDICT, request.method, path))
            else:
                answered = self._describe(_matched(_STATUS, request.method, path))
        except TooLarge as error:
            # With a rest of a body on it, a connection cannot be used again.
            return self._reply(_error(error.message), 413, close=error.unread)
        except RequestError as error:
            return self._reply(_error(error.message), HTTP_STATUS[error.code])
        return self._reply(answered)

    def _reply(self, body: bytes, code: int = 200, close: bool = False) -> Response:
        headers = {"connection": "close"} if close or self.stopping() else None
        return Response(body, code, headers, media_type="application/json")

    async def _predict(self, request: Request, asked: dict[str, str | None]) -> bytes:
        name = unquote(asked["name"] or "")
        if asked["method"] != "predict":
            raise RequestError(
                StatusCode.UNIMPLEMENTED,
                f":{asked['method']} takes tf.Example and is not supported here; use :predict",
            )
        async with self.admission.request(self.models.metric_label(name), "REST") as hold:
            body = await read_body(request, self.largest_body, self.most_values, hold)
            parsed = await self.aside(len(body), PredictJson, body)
            version = self.models.find(name, *_version(asked))
            with version.in_use() as loaded:
                wanted = parsed.signature_name or DEFAULT_SIGNATURE
                signature = loaded.signatures.get(wanted)
                if signature is None:
                    known = ", ".join(loaded.signatures)
                    raise invalid(
                        f'Serving signature name: "{wanted}" not found in signature def,'
                        f" which has: {known}"
                    )
                inputs = await self.aside(len(body), parsed.arrays, signature.inputs)
                outputs = await version.predict(signature, inputs)
            size = sum(value.nbytes for value in outputs.values())
            return await self.aside(size, answer, outputs, parsed.by_row)

    def _describe(self, asked: dict[str, str | None]) -> bytes:
        if not asked["name"]:
            raise invalid("Missing model name in request.")
        name = unquote(asked["name"])
        if asked["metadata"] != "/metadata":  # TF Serving takes "/METADATA" for the status, too
            found = status(self.models, name, *_version(asked))
            return MessageToJson(found, always_print_fields_with_no_presence=True).encode()
        spec, signatures = metadata(self.models, name, *_version(asked))
        form = {"preserving_proto_field_name": True, "always_print_fields_with_no_presence": True}
        document = {
            "model_spec": MessageToDict(spec, **form),
            "metadata": {"signature_def": MessageToDict(signatures, **form)},
        }
        return json.dumps(document, indent=1).encode()


def _error(message: str) -> bytes:
    return json.dumps({"error": message}).encode()


def _matched(pattern: re.Pattern, method: str, path: str) -> dict[str, str | None]:
    match = pattern.fullmatch(path)
    if match is None or method not in ("GET", "POST"):
        raise invalid(f"Malformed request: {method} {path[:200]}")
    return match.groupdict()


def _version(asked: dict[str, str | None]) -> tuple[int | None, str]:
    digits, label = asked["version"], unquote(asked["label"] or "")
    if digits is None:
        return None, label
    if len(digits) > 50 or int(digits) > _LARGEST_VERSION:
        raise invalid(f"Failed to convert version: {digits[:50]} to numeric.")
    return int(digits), label
