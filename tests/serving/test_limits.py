"""What a server does when it is asked for too much: it says so at once."""

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
