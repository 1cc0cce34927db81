"""How a request ends badly: gRPC's status codes, and the HTTP status of each over REST.

The table is TF Serving's (model_servers/http_server.cc, ToHTTPStatusCode).
"""

from grpc import StatusCode

HTTP_STATUS = {
    StatusCode.CANCELLED: 499,
    StatusCode.UNKNOWN: 500,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.DEADLINE_EXCEEDED: 504,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.ABORTED: 409,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.INTERNAL: 500,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DATA_LOSS: 500,
    StatusCode.UNAUTHENTICATED: 401,
}
_BY_NUMBER = {code.value[0]: code for code in StatusCode}
_LONGEST = 1000  # TensorFlow's messages may hold whole graphs, and ours what a client sent


class RequestError(Exception):
    """A request, or the loading of a version, failed with one of gRPC's status codes."""

    def __init__(self, code: StatusCode, message: str):
        super().__init__(message[:_LONGEST])
        self.code, self.message = code, message[:_LONGEST]


def invalid(message: str) -> RequestError:
    return RequestError(StatusCode.INVALID_ARGUMENT, message)


def from_exception(error: Exception) -> RequestError:
    """What a client is told of any exception: TensorFlow's own code, or INTERNAL."""
    if isinstance(error, RequestError):
        return error
    number = getattr(error, "error_code", None)  # of tf.errors.OpError
    code = _BY_NUMBER.get(number, StatusCode.INTERNAL)
    message = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
    return RequestError(code, str(message))
