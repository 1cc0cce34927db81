"""SIGTERM: what was accepted is answered, the rest is refused, and the exit status is 0."""

import http.client
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from running_server import running

from serving.client import GrpcClient, RestClient

CLIENTS = 6


def test_no_accepted_request_is_lost(tiny, tmp_path):
    batching = tmp_path / "batching.config"
    batching.write_text("batch_timeout_micros { value: 4000000 }")  # so that requests lie waiting
    with (
        running(tmp_path, tiny, "--batching-parameters-file", batching) as server,
        ThreadPoolExecutor(2 * CLIENTS) as pool,
    ):
        kept = http.client.HTTPConnection(urlsplit(server.rest).netloc)
        kept.request("GET", "/v1/models/tiny")
        assert kept.getresponse().read()
        asking = [
            pool.submit(client(where, "tiny").predict, [f"text {i}"])
            for i in range(CLIENTS)
            for client, where in ((RestClient, server.rest), (GrpcClient, server.grpc))
        ]
        server.wait_in_flight(2 * CLIENTS)
        server.process.send_signal(signal.SIGTERM)
        # A request that comes a little later over an open connection is answered too, as its last.
        time.sleep(0.15)
        kept.request("POST", "/v1/models/tiny:predict", b'{"instances": ["late"]}')
        time.sleep(0.3)
        for address in (urlsplit(server.rest).netloc, server.grpc):
            host, port = address.split(":")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, int(port)))
        late = kept.getresponse()
        assert (late.status, late.headers["connection"]) == (200, "close")
        assert [len(future.result()["label"]) for future in asking] == [1] * 2 * CLIENTS
        assert server.process.wait(timeout=20) == 0
        assert "stopped" in server.log.read_text()
