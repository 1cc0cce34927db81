"""Bodies of requests, read within limits: bytes, and values, of which a few bytes can hold many.

15 MB of JSON may be one long text or five million lists, which take seconds to make and a gigabyte
to hold. So values are counted while a body comes in, and one with too many is never parsed.
"""

from collections.abc import Callable

from grpc import StatusCode
from starlette.requests import ClientDisconnect, Request

from serving.status import RequestError


class TooLarge(RequestError):
    """Over gRPC this is RESOURCE_EXHAUSTED; HTTP has a status of its own, 413.

    Args: unread, whether some of the body is left on the connection.
    """

    def __init__(self, message: str, unread: bool):
        super().__init__(StatusCode.RESOURCE_EXHAUSTED, message)
        self.unread = unread


class ValueCounter:
    """How many values, lists and objects a JSON text holds at most, told from its pieces.

    Each one but the first comes after a comma or is the first of a list or an object. Those inside
    of texts are not counted.
    """

    def __init__(self) -> None:
        self.count = 1
        self._in_text = False
        self._rest = b""  # a backslash, the first half of an escape

    def add(self, piece: bytes) -> None:
        unescaped = (self._rest + piece).replace(rb"\\", b"")
        self._rest = b"\\" if unescaped.endswith(b"\\") else b""
        parts = unescaped.replace(rb"\"", b"").split(b'"')
        outside = b"".join(parts[self._in_text :: 2])
        self._in_text ^= len(parts) % 2 == 0
        self.count += sum(map(outside.count, (b",", b"[", b"{")))


async def read_body(
    request: Request, largest: int, most_values: int, hold: Callable[[int], None]
) -> bytearray:
    """The body of a request.

    Args:
        largest: bytes.
        most_values: as `ValueCounter` counts them.
        hold: is told the number of bytes of each piece, and may refuse it.

    Raises:
        RequestError: it is too large, or the client went away.
    """
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > largest:
        raise _larger_than(largest)
    body, values, size = bytearray(), ValueCounter(), 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > largest:
                raise _larger_than(largest)
            if values.count <= most_values:
                hold(len(piece))
                values.add(piece)
                body += piece
            else:  # read on, for a client that still sends would not see the answer
                body.clear()
    except ClientDisconnect as error:
        raise RequestError(StatusCode.CANCELLED, "the client went away") from error
    if values.count > most_values:
        message = f"the body holds more than {most_values} texts, numbers and lists"
        raise TooLarge(message, unread=False)
    return body


def _larger_than(largest: int) -> TooLarge:
    return TooLarge(f"the body is larger than {largest} bytes", unread=True)
