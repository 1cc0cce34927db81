"""The clients against a real server, and against one that is away, busy, late or strange."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from tiny_server import TEXTS, expected

from configs.data import Text
from pipeline.text.tokenizers import Tokenizer
from pipeline.text.vocabulary import from_tokens
from serving.client import GrpcClient, RestClient, ServerError, TokenizingClient


def clients(server, *arguments, **more):
    yield RestClient(server.rest, *arguments, **more)
    yield GrpcClient(server.grpc, *arguments, **more)


def test_both_clients_answer_like_the_model(server, tiny):
    for version, kwargs in ((2, {}), (1, {"version": 1})):
        wanted = expected(tiny / str(version), TEXTS)
        for client in clients(server, "both", **kwargs):
            got = client.predict(TEXTS)
            assert got.keys() == wanted.keys()
            assert got["labels"] == [[label.decode() for label in row] for row in wanted["labels"]]
            np.testing.assert_allclose(got["probabilities"], wanted["probabilities"], atol=1e-6)
            assert client.predict([])["label"] == []
            client.close()


def test_tokenizing_here_asks_for_the_same_answers(server, tmp_path):
    settings = Text.model_validate({"max_length": 6, "tokenizer": {"kind": "word"}})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "card", "my", "where"]
    Tokenizer(settings, from_tokens(vocabulary)).save(tmp_path)
    for client in clients(server, "tiny"):
        got = TokenizingClient(client, tmp_path).predict(["where my card?", "", "my my " * 5])
        ids = [[7, 6, 5, 1, 0, 0], [0] * 6, [6] * 6]
        assert got == client.ask({"ids": ids}, "ids")
        client.close()


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"model": "none"}, r"Servable not found for request: Latest\(none\)"),
        ({"model": "tiny", "version": 9}, r"Specific\(tiny, 9\)"),
    ],
)
def test_what_the_server_says_is_what_the_error_says(server, kwargs, said):
    for client in clients(server, **kwargs):
        with pytest.raises(ServerError, match=said):
            client.predict(["a"])


def test_a_server_that_is_away_is_given_up_at_the_deadline():
    for kind, where in ((RestClient, "http://127.0.0.1:9"), (GrpcClient, "127.0.0.1:9")):
        start = time.monotonic()
        with pytest.raises(ServerError, match=r"127\.0\.0\.1:9"):
            kind(where, "tiny", timeout=0.8).predict(["a"])
        assert 0.2 < time.monotonic() - start < 1.5


@contextmanager
def http_server(answers):
    """Answers each request with the next (status, body), and counts them."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.respond()

        def do_GET(self):
            self.respond()

        def respond(self):
            status, body = answers[min(len(seen), len(answers) - 1)]
            seen.append(time.monotonic())
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


BUSY = (503, b'{"error": "the queue is full"}')


def test_a_busy_server_is_asked_again():
    good = (200, json.dumps({"outputs": {"label": ["a"]}}).encode())
    with http_server([BUSY, (429, b"{}"), good]) as (url, seen):
        assert RestClient(url, "tiny").predict(["a"]) == {"label": ["a"]}
        assert len(seen) == 3


def test_a_server_that_stays_busy_is_given_up_at_the_deadline():
    with http_server([BUSY]) as (url, seen):
        start = time.monotonic()
        with pytest.raises(ServerError, match="HTTP 503: the queue is full"):
            RestClient(url, "tiny", timeout=1).predict(["a"])
        assert time.monotonic() - start < 1.1
        assert 4 <= len(seen) <= 10  # the pauses grow


def test_other_errors_are_not_retried():
    with http_server([(500, b"<html>proxy</html>")]) as (url, seen):
        with pytest.raises(ServerError, match="HTTP 500: <html>proxy"):
            RestClient(url, "tiny").predict(["a"])
        assert len(seen) == 1


def test_the_only_output_has_its_name():
    """The REST API leaves the name of an only output out, so the client looks it up."""
    signatures = {"serving_default": {"outputs": {"value": {}}}}
    metadata = {"metadata": {"signature_def": {"signature_def": signatures}}}
    answers = [(200, b'{"outputs": [0.5]}'), (200, json.dumps(metadata).encode())]
    with http_server(answers) as (url, _):
        assert RestClient(url, "tiny").predict(["a"]) == {"value": [0.5]}
