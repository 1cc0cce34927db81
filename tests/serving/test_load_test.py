"""The load test against a real server, and against one whose stalls are known."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.errors import JobError
from serving import load_test
from serving.load_test import Load, measure


@pytest.fixture
def stalling():
    """Answers at once, but nobody for 0.6 s after its 50th request; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer

        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            turns.append(None)
            if len(turns) == 50:
                stall.append(time.monotonic() + 0.6)
            if stall:
                time.sleep(max(0, stall[0] - time.monotonic()))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    turns, stall = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_open_load_shows_a_stall_in_all_the_waits_it_causes(stalling):
    """0.6 s at 100 a second makes 60 requests late, of 200: the waits of 30% are seen.

    A client that waits for its answer before it sends the next would report one slow request.
    """
    load = Load("rest", stalling, "tiny", clients=4, rate=100, requests=200, seconds=20)
    report = measure(load)
    assert report.requests == 200
    assert report.p50_ms < 100
    assert 300 < report.p95_ms < 1000
    assert report.errors == {}


def test_a_closed_load_sends_no_more_than_its_clients(server):
    address = server.rest.removeprefix("http://")
    report = measure(Load("rest", address, "tiny", clients=4, requests=200), processes=2)
    assert (report.requests, report.errors) == (200, {})
    assert 0 < report.p50_ms <= report.p95_ms <= report.p99_ms <= report.max_ms
    assert report.per_second == pytest.approx(200 / report.seconds, rel=0.01)


def test_no_answer_waits_for_an_acknowledgement(server):
    """Nagle's algorithm would hold the end of each answer back for 40 ms."""
    address = server.rest.removeprefix("http://")
    assert measure(Load("rest", address, "tiny", clients=1, requests=50)).p50_ms < 35


def test_the_command(server, capsys):
    call = ["--grpc", server.grpc, "--model", "tiny", "--rate", "100", "--requests", "50", "--json"]
    assert load_test.main(call) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["requests"] == 50
    assert 20 < report["per_second"] < 200


def test_errors_are_counted_by_kind(server):
    address = server.rest.removeprefix("http://")
    with pytest.raises(JobError, match=r"HTTP 404 Not Found"):
        measure(Load("rest", address, "none", clients=1, requests=3))


@pytest.mark.parametrize(
    ("call", "status", "said"),
    [
        (["--url", "http://192.0.2.1:80", "--model", "a"], 1, "is not this machine"),
        (["--url", "http://127.0.0.1:9", "--model", "a"], 1, "did not answer for model a"),
    ],
)
def test_refusals(call, status, said, capsys):
    assert load_test.main(call) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "call", [[], ["--seconds=100000"], ["--clients=0"], ["--rate=-1"], ["--grpc=x:1"]]
)
def test_wrong_calls(call):
    with pytest.raises(SystemExit) as ended:
        load_test.main(
            ["--url", "http://127.0.0.1:1", "--model", "a", *call][: None if call else 2]
        )
    assert ended.value.code == 2
