"""Real server processes on loopback."""

import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub


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
