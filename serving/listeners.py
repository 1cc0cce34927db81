"""The two sockets: REST on uvicorn and gRPC on grpc.aio, in one event loop, started and drained."""

import asyncio
import contextlib
import socket
from functools import partial

import grpc
import uvicorn
from tensorflow_serving.apis.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    add_PredictionServiceServicer_to_server,
)

from pipeline.errors import JobError
from serving.admission import Admission
from serving.arguments import Settings
from serving.aside import Aside
from serving.connections import TimedConnection
from serving.grpc_services import ModelService, PredictionService
from serving.rest import RestApi
from serving.versions import Models

STAND_IN = "textmill stand-in for TensorFlow Serving"
_KEEP_ALIVE = 75  # seconds an idle connection is kept, and an answer may take to be fetched
_LINGER = 0.5  # seconds that open connections are still read once the server is told to stop


class Listeners:
    """Bound when made, answering from `start` until `stop` has finished what was accepted.

    Raises:
        JobError: a port is taken.
    """

    def __init__(self, settings: Settings, models: Models, admission: Admission):
        self._timeout, self._stopping = settings.timeout, False
        self._socket = _bound(settings.host, settings.rest_port)
        self.rest = f"http://{_joined(settings.host, self._socket.getsockname()[1])}"
        aside = Aside()
        app = RestApi(
            models,
            admission,
            aside,
            settings.largest_body,
            settings.most_values,
            settings.metrics_path,
            stopping=lambda: self._stopping,
        )
        self._rest = uvicorn.Server(
            uvicorn.Config(
                app,
                http=partial(TimedConnection, seconds=settings.timeout),  # type: ignore
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                headers=[("server", STAND_IN)],
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=int(settings.timeout) + 1,
            )
        )
        # A signal ends both servers, not uvicorn alone.
        self._rest.capture_signals = contextlib.nullcontext  # type: ignore
        self._grpc = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),  # or a second server would share the port unnoticed
                ("grpc.max_receive_message_length", settings.largest_body),
                ("grpc.max_send_message_length", -1),
            ]
        )
        prediction = PredictionService(models, admission, aside, settings.most_values)
        add_PredictionServiceServicer_to_server(prediction, self._grpc)
        add_ModelServiceServicer_to_server(ModelService(models), self._grpc)
        try:
            port = self._grpc.add_insecure_port(_joined(settings.host, settings.grpc_port))
        except RuntimeError as error:
            raise _taken(settings.host, settings.grpc_port, "grpc", error) from error
        self.grpc = _joined(settings.host, port)

    async def start(self) -> None:
        await self._grpc.start()
        self._serving = asyncio.create_task(self._rest.serve(sockets=[self._socket]))
        while not (self._rest.started or self._serving.done()):
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Refuse new connections and calls, answer what has come in, close."""
        self._stopping = True  # from here on each REST answer closes its connection
        for server in self._rest.servers:
            server.close()
        calls = asyncio.create_task(self._grpc.stop(self._timeout))
        await asyncio.sleep(_LINGER)  # a request may be on its way over an open connection
        self._rest.should_exit = True
        await self._serving
        await calls


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay (40 ms an answer) off only where the protocol is named.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        raise _taken(host, port, "rest", error) from error
    return bound


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _taken(host: str, port: int, kind: str, error: Exception) -> JobError:
    reason = getattr(error, "strerror", None) or error
    return JobError(
        f"cannot listen on {_joined(host, port)}: {reason}: give --{kind}-port a free port,"
        " or 0 to have one chosen"
    )
