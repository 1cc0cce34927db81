"""A connection that no client can hold for long without asking anything.

Uvicorn closes one that is idle after an answer. Here each state of a connection has its time: until
the first byte of a request, until its last, and until its answer has been taken.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LARGEST_HEAD = 64 << 10  # bytes that may come without any of a body


class TimedConnection(HttpToolsProtocol):
    """Args: seconds, in which a request has to come in, and again for its answer."""

    def __init__(self, *args, seconds: float, **kwargs):
        super().__init__(*args, **kwargs)
        self._seconds, self._timer = seconds, None
        self._begun, self._without_body = False, 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._allow(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._without_body += len(data)
        super().data_received(data)
        if self._without_body > _LARGEST_HEAD and not self.transport.is_closing():
            self._end(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        self._allow(self._seconds)

    def on_headers_complete(self) -> None:
        self._without_body = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._without_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._begun, self._without_body = False, 0
        super().on_message_complete()
        self._allow(self._seconds + self.timeout_keep_alive)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._allow(self.timeout_keep_alive)
        if self.pipeline:  # read on when these are answered, or they would become ever more
            self.flow.pause_reading()

    def _allow(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._end, b"408 Request Timeout")

    def _end(self, status: bytes) -> None:
        answering = self.cycle and self.cycle.response_started and not self.cycle.response_complete
        if answering or self.transport.get_write_buffer_size():
            self.transport.abort()  # closing would wait for the client to take the rest
            return
        if self._begun:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\n\r\n")
        self.transport.close()
