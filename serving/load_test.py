"""How many requests a second a server answers, and how long its clients wait.

    python -m serving.load_test --url http://127.0.0.1:8501 --model NAME --rate 200
    python -m serving.load_test --grpc 127.0.0.1:8500 --model NAME --clients 16

With --rate the load is open: requests fall due at random moments (Poisson) whether or not those
before were answered, and a wait counts from the moment the request was due, so that a server cannot
hide a stall by delaying the requests after it. Without it the load is closed: each of the clients
sends its next request when it has its answer.
"""

import argparse
import gc
import ipaddress
import itertools
import json
import multiprocessing
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from pipeline.errors import JobError
from serving.senders import Failure, Row, sender

_TEXTS = (
    "I am still waiting on my card?",
    "What can I do if my card still hasn't arrived after 2 weeks?",
    "exchange rate",
    "My transfer from last Tuesday was declined, although there was enough money on the account,"
    " and now I would like to know why that happened and when I can try it again.",
)
_ROWS = tuple({"text": text} for text in _TEXTS)
_MOST_REQUESTS, _MOST_SECONDS = 1_000_000, 600


@dataclass(frozen=True)
class Load:
    kind: str  # "rest" or "grpc"
    address: str
    model: str
    rows: tuple[Row, ...] = _ROWS
    clients: int = 64
    rate: float | None = None  # None: closed
    requests: int = _MOST_REQUESTS
    seconds: float = 10.0
    timeout: float = 10.0
    seed: int = 0


@dataclass(frozen=True)
class Report:
    requests: int  # that were answered
    seconds: float
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    errors: dict[str, int]


@dataclass
class _Seen:
    """What one client process saw."""

    waits: np.ndarray
    errors: Counter
    seconds: float


def measure(load: Load, processes: int = 1) -> Report:
    """Put a load on a server from client processes of its own.

    Raises:
        JobError: the server does not answer.
    """
    context = multiprocessing.get_context("spawn")
    together, results = context.Barrier(processes), context.Queue()
    for index in range(processes):
        share = replace(
            load,
            clients=max(1, load.clients // processes),
            rate=load.rate and load.rate / processes,
            requests=max(1, load.requests // processes),
            seed=load.seed + index,
        )
        context.Process(target=_client_process, args=(share, together, results)).start()
    seen: list[_Seen] = [results.get(timeout=load.seconds + 120) for _ in range(processes)]
    waits = np.concatenate([part.waits for part in seen])
    errors = sum((part.errors for part in seen), Counter())
    if not len(waits):
        raise JobError(f"{load.address} did not answer for model {load.model}: {dict(errors)}")
    seconds = max(part.seconds for part in seen)
    p50, p95, p99, most = (1000 * np.quantile(waits, [0.5, 0.95, 0.99, 1])).round(3).tolist()
    rate = round(len(waits) / seconds, 1)
    return Report(len(waits), round(seconds, 3), rate, p50, p95, p99, most, dict(errors))


def _client_process(load: Load, together, results) -> None:
    try:
        sender(load.kind, load.address, load.model, load.rows, load.timeout)(0)
        seen = None
    except Failure as failure:
        seen = _Seen(np.zeros(0), Counter([str(failure)]), 0.0)
    gc.freeze()  # a collection among all that gRPC's stubs import would look like a slow answer
    together.wait()
    results.put(seen or _run(load))


def _run(load: Load) -> _Seen:
    due = np.zeros(load.requests)
    if load.rate is not None:
        gaps = np.random.default_rng(load.seed).exponential(1 / load.rate, load.requests)
        due = np.cumsum(gaps)
    turns, waits, errors = itertools.count(), [], Counter()
    started: list[float] = []
    connected = threading.Barrier(
        load.clients + 1, action=lambda: started.append(time.perf_counter())
    )

    def client() -> None:
        send = sender(load.kind, load.address, load.model, load.rows, load.timeout)
        with suppress(Failure):  # connects before the clock starts
            send(0)
        connected.wait()
        start = started[0]
        while (turn := next(turns)) < load.requests:
            begin = time.perf_counter() if load.rate is None else start + due[turn]
            if begin > start + load.seconds:
                return
            time.sleep(max(0.0, begin - time.perf_counter()))
            try:
                send(turn)
            except Failure as failure:
                errors[str(failure)] += 1
            else:
                waits.append(time.perf_counter() - begin)

    threads = [threading.Thread(target=client) for _ in range(load.clients)]
    for thread in threads:
        thread.start()
    connected.wait()
    for thread in threads:
        thread.join()
    return _Seen(np.array(waits), errors, time.perf_counter() - started[0])


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(argv)
    if (given.url is None) == (given.grpc is None):
        parser.error("give one of --url and --grpc")
    if not (0 < given.seconds <= _MOST_SECONDS and 0 < given.requests <= _MOST_REQUESTS):
        parser.error(f"at most {_MOST_SECONDS} seconds and {_MOST_REQUESTS} requests")
    if min(given.clients, given.processes) < 1 or (given.rate is not None and given.rate <= 0):
        parser.error("--clients, --processes and --rate must be positive")
    try:
        load = Load(
            "rest" if given.url else "grpc",
            _address(given.grpc or urlsplit(given.url).netloc, given.allow_remote),
            given.model,
            _rows(given.texts) if given.texts else _ROWS,
            *(given.clients, given.rate, given.requests, given.seconds, given.timeout, given.seed),
        )
        report = measure(load, given.processes)
    except JobError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if given.json:
        print(json.dumps(asdict(report)))
        return 0
    print(f"{report.requests} answers in {report.seconds} s: {report.per_second} a second")
    print(f"p50 {report.p50_ms} ms  p95 {report.p95_ms} ms  p99 {report.p99_ms} ms"
          f"  max {report.max_ms} ms")  # fmt: skip
    print(f"errors: {report.errors or 'none'}")
    if given.rate and report.per_second < 0.95 * given.rate:
        print(f"the server, or this client, did not keep up with {given.rate} requests a second")
    return 0


def _rows(path: Path) -> tuple[Row, ...]:
    """One text a line, as it is or as {"text": ...}, which golden_requests.jsonl has."""
    lines = path.read_text(encoding="utf-8").split("\n")  # and at no other line separator
    read = json.loads if path.suffix == ".jsonl" else lambda line: {"text": line}
    found = (read(line) for line in lines if line.strip())
    rows = tuple({name: row[name] for name in row if name != "outputs"} for row in found)
    if not rows:
        raise JobError(f"{path} holds no text: give a file with one text a line")
    return rows


def _address(address: str, remote: bool) -> str:
    host = address.rpartition(":")[0].strip("[]")
    try:
        found = ipaddress.ip_address(socket.getaddrinfo(host, None)[0][4][0])
    except OSError as error:
        raise JobError(f"{address}: {error.strerror}: give HOST:PORT") from error
    if not (remote or found.is_loopback):
        raise JobError(f"{host} is not this machine: add --allow-remote if the server is yours")
    return address


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.load_test",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--url", help="REST, such as http://127.0.0.1:8501")
    add("--grpc", metavar="HOST:PORT", help="gRPC, such as 127.0.0.1:8500")
    add("--model", required=True, metavar="NAME")
    add("--rate", type=float, metavar="R", help="requests a second; without it the load is closed")
    add("--clients", type=int, default=64, metavar="N", help="64; with --rate the most at a time")
    add("--requests", type=int, default=_MOST_REQUESTS, metavar="N", help="stop after so many")
    add("--seconds", type=float, default=10, metavar="S", help="10; stop after so long")
    add(
        "--texts",
        type=Path,
        metavar="FILE",
        help="one text a line, or golden_requests.jsonl, which a model of pairs needs",
    )
    add("--processes", type=int, default=1, metavar="N", help="1; more if the client is the limit")
    add("--timeout", type=float, default=10, metavar="S", help="10; seconds to wait for an answer")
    add("--seed", type=int, default=0, help="0")
    add("--allow-remote", action="store_true", help="load a server that is not on this machine")
    add("--json", action="store_true", help="print the report as one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
