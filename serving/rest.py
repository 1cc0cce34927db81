"""TF Serving's REST API: predict, status and metadata, with its paths, bodies and errors.

Source: https://www.tensorflow.org/tfx/serving/api_rest; the paths are those of
model_servers/http_rest_api_util.cc.
"""

import json
import re
from collections.abc import Callable
from urllib.parse import unquote

from google.protobuf.json_format import MessageToDict, MessageToJson
from grpc import StatusCode
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from serving.admission import Admission
from serving.answers import metadata, status
from serving.json_tensors import PredictJson, answer
from serving.saved_model import DEFAULT_SIGNATURE
from serving.status import HTTP_STATUS, RequestError, invalid
from serving.versions import Models

_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<method>classify|regress|predict)", re.I
)
_STATUS = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?P<metadata>/metadata)?", re.I)
_LARGEST_VERSION = 2**63 - 1


def application(
    models: Models,
    admission: Admission,
    largest_body: int,
    metrics_path: str | None,
    stopping: Callable[[], bool],
) -> Starlette:
    """The REST API; once `stopping()`, every answer closes its connection."""

    async def api(request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        try:
            if request.method == "POST":
                answered = await _predict(request, _matched(_PREDICT, request.method, path))
            else:
                answered = _describe(_matched(_STATUS, request.method, path))
        except _TooLarge as error:
            # The rest of the body is not read, so the connection cannot be used again.
            return reply(_error(error), 413, close=True)
        except RequestError as error:
            return reply(_error(error), HTTP_STATUS[error.code])
        return reply(answered)

    def reply(body: bytes, code: int = 200, close: bool = False) -> Response:
        headers = {"connection": "close"} if close or stopping() else None
        return Response(body, code, headers, media_type="application/json")

    async def _predict(request: Request, asked: dict[str, str | None]) -> bytes:
        name = unquote(asked["name"] or "")
        if (asked["method"] or "").lower() != "predict":
            raise RequestError(
                StatusCode.UNIMPLEMENTED,
                f":{asked['method']} takes tf.Example and is not supported here; use :predict",
            )
        async with admission.request(models.metric_label(name), "REST"):
            parsed = PredictJson(await _body(request, largest_body))
            version = models.find(name, *_version(asked))
            with version.in_use() as loaded:
                wanted = parsed.signature_name or DEFAULT_SIGNATURE
                signature = loaded.signatures.get(wanted)
                if signature is None:
                    known = ", ".join(loaded.signatures)
                    raise invalid(
                        f'Serving signature name: "{wanted}" not found in signature def,'
                        f" which has: {known}"
                    )
                outputs = await version.predict(signature, parsed.arrays(signature.inputs))
            return answer(outputs, parsed.by_row)

    def _describe(asked: dict[str, str | None]) -> bytes:
        if not asked["name"]:
            raise invalid("Missing model name in request.")
        name = unquote(asked["name"])
        if not asked["metadata"]:
            found = status(models, name, *_version(asked))
            return MessageToJson(found, always_print_fields_with_no_presence=True).encode()
        spec, signatures = metadata(models, name, *_version(asked))
        form = {"preserving_proto_field_name": True, "always_print_fields_with_no_presence": True}
        document = {
            "model_spec": MessageToDict(spec, **form),
            "metadata": {"signature_def": MessageToDict(signatures, **form)},
        }
        return json.dumps(document, indent=1).encode()

    async def metrics(request: Request) -> Response:
        return Response(admission.metrics(), media_type="text/plain; version=0.0.4")

    routes = [Route("/v1/{path:path}", api, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])]
    if metrics_path is not None:
        routes.append(Route(metrics_path, metrics))
    return Starlette(routes=routes)


class _TooLarge(RequestError):
    """Over gRPC this is RESOURCE_EXHAUSTED; HTTP has a status of its own, 413."""

    def __init__(self, largest: int):
        message = f"the body is larger than {largest} bytes"
        super().__init__(StatusCode.RESOURCE_EXHAUSTED, message)


async def _body(request: Request, largest: int) -> bytes:
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > largest:
        raise _TooLarge(largest)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > largest:
                raise _TooLarge(largest)
    except ClientDisconnect as error:
        raise RequestError(StatusCode.CANCELLED, "the client went away") from error
    return bytes(body)


def _error(error: RequestError) -> bytes:
    return json.dumps({"error": error.message}).encode()


def _matched(pattern: re.Pattern, method: str, path: str) -> dict[str, str | None]:
    match = pattern.fullmatch(path)
    if match is None or method not in ("GET", "POST"):
        raise invalid(f"Malformed request: {method} {path}")
    return match.groupdict()


def _version(asked: dict[str, str | None]) -> tuple[int | None, str]:
    number = int(asked["version"]) if asked["version"] else None
    if number is not None and number > _LARGEST_VERSION:
        raise invalid(f"Failed to convert version: {number} to numeric.")
    return number, unquote(asked["label"] or "")
