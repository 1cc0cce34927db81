"""What a server does when it is asked for too much: it says so at once."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import pytest
import tensorflow as tf
from running_server import running
from tensorflow_serving.apis.predict_pb2 import PredictRequest

SECONDS = 2  # the server's deadline; a batch that is not full would wait for twice as long


@pytest.fixture(scope="module")
def strict(tiny, tmp_path_factory):
    """Batches of 4 rows, a queue of one batch, 3 requests at once, 2000 bytes, SECONDS."""
    folder = tmp_path_factory.mktemp("strict")
    batching = folder / "batching.config"
    batching.write_text(
        f"max_batch_size {{ value: 4 }} batch_timeout_micros {{ value: {2 * SECONDS}000000 }}"
        " max_enqueued_batches { value: 1 } num_batch_threads { value: 1 }"
    )
    limits = ["--max-in-flight=3", "--max-body-bytes=2000"]
    limits += [f"--rest_api_timeout_in_ms={1000 * SECONDS}", "--batching_parameters_file", batching]
    with running(folder, tiny, *limits) as server:
        yield server


def post(server, rows):
    return server.post("tiny:predict", json={"instances": ["a"] * rows})


def call(server, rows, seconds=20.0):
    request = PredictRequest()
    request.model_spec.name = "tiny"
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(["a"] * rows))
    try:
        server.prediction().Predict(request, timeout=seconds)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def test_a_full_queue_is_503_at_once_and_harms_nobody(strict):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, strict, 3)
        strict.wait_in_flight(1)
        start = time.monotonic()
        refused = post(strict, 2)
        assert refused.status_code == 503
        assert "queue" in refused.json()["error"]
        assert call(strict, 2) == "UNAVAILABLE"
        assert time.monotonic() - start < SECONDS / 2
        assert post(strict, 1).status_code == 200  # which fills the batch
        assert waiting.result().status_code == 200


def test_too_many_at_once_is_429(strict):
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(post, strict, 1) for _ in range(3)]
        strict.wait_in_flight(3)
        assert post(strict, 1).status_code == 429
        assert call(strict, 1) == "RESOURCE_EXHAUSTED"
        assert {future.result().status_code for future in waiting} == {504}


def test_deadlines_are_kept_and_free_the_queue(strict):
    start = time.monotonic()
    late = post(strict, 1)
    assert late.status_code == 504
    assert SECONDS - 0.1 < time.monotonic() - start < 1.5 * SECONDS
    assert call(strict, 3, seconds=0.2) == "DEADLINE_EXCEEDED"
    assert call(strict, 1) == "DEADLINE_EXCEEDED"
    assert post(strict, 4).status_code == 200  # no row of the late ones is left waiting


def test_too_many_rows_is_400(strict):
    refused = post(strict, 5)
    assert refused.status_code == 400
    assert "Task size 5 is larger than maximum input batch size 4" in refused.json()["error"]
    assert call(strict, 5) == "INVALID_ARGUMENT"


def test_a_body_too_large_is_413(strict):
    body = b'{"instances": ["' + b"a" * 3000 + b'"]}'
    url = f"{strict.rest}/v1/models/tiny:predict"
    assert httpx.post(url, content=body).status_code == 413
    chunks = (body[start : start + 500] for start in range(0, len(body), 500))
    assert httpx.post(url, content=chunks).status_code == 413
    assert call(strict, 2000) == "RESOURCE_EXHAUSTED"


def sent_slowly(server, start: bytes, drop: bytes) -> bytes:
    """What the server says to a client that sends `start`, and then a drop every 0.2 s."""
    host, port = server.rest.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=0.2) as connection:
        connection.sendall(start)
        for _ in range(50 * SECONDS):
            try:
                return connection.recv(1000)
            except TimeoutError:
                connection.sendall(drop)
    return b"nothing"


def test_half_sent_requests_are_given_up(strict):
    whole = b"POST /v1/models/tiny:predict HTTP/1.1\r\nhost: x\r\n"
    halves = [
        (whole, b"x: y\r\n"),
        (whole + b"content-length: 1000\r\n\r\n", b"a"),
        (whole + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ]
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(lambda half: sent_slowly(strict, *half), halves))
    assert {line.split(b"\r\n")[0] for line in said} == {b"HTTP/1.1 408 Request Timeout"}


def test_a_head_without_an_end_is_refused(strict):
    start = b"GET /v1/models/tiny HTTP/1.1\r\n" + b"x: y\r\n" * 12_000
    assert sent_slowly(strict, start, b"").startswith(b"HTTP/1.1 431 ")


def test_pipelined_requests_are_answered_in_order(strict):
    asked = [b"GET /v1/models/%s HTTP/1.1\r\n\r\n" % name for name in (b"tiny", b"x", b"tiny")]
    host, port = strict.rest.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"".join(asked) * 20)
        said = b""
        while said.count(b"HTTP/1.1 ") < 60:
            said += connection.recv(1 << 16)
    assert [int(line[:3]) for line in said.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200] * 20
