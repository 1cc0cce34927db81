"""Requests a second and waits of the local server, over REST and gRPC, on a real export.

    python benchmarks/server_load.py [EXPORT] [--seconds 10]

EXPORT is work/models/NAME/VERSION; by default the newest there is. Every request is one text, sent
by clients in one process of their own that ask again as soon as they have their answer. The first
request is timed on a server that ran the export's warm-up requests, and on one without them.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.publishing.verify import golden_requests
from serving.load_test import Load, measure
from serving.senders import Row, sender

CLIENTS = (1, 16, 64)


@dataclass
class Served:
    rest: str
    grpc: str
    seconds: float  # from the start of the process until it was ready
    process: subprocess.Popen

    @property
    def peak_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


@contextmanager
def served(model_dir: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "serving.server", str(model_dir), "--rest-port=0"]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--grpc-port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in process.stdout:
        if ready := re.match(r"ready: REST (\S+) gRPC (\S+)", line):
            rest = urlsplit(ready[1]).netloc
            yield Served(rest, ready[2], time.perf_counter() - start, process)
            break
    process.terminate()
    if process.wait() != 0:
        raise SystemExit(f"the server for {model_dir} ended with {process.returncode}")


def first_request_ms(export: Path, rows: tuple[Row, ...], warm_up: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / export.parent.name / export.name
        ignored = () if warm_up else ("assets.extra",)
        shutil.copytree(export, copy, ignore=shutil.ignore_patterns(*ignored))
        with served(copy.parent) as server:
            send = sender("rest", server.rest, export.parent.name, rows, 60)
            start = time.perf_counter()
            send(0)
            return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("export", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    exports = sorted(Path("work/models").glob("*/*/manifest.json"), key=lambda p: p.stat().st_mtime)
    if given.export is None and not exports:
        raise SystemExit("there is no export in work/models: run `make run` first, or name one")
    export = given.export or exports[-1].parent
    requests = golden_requests(export)
    rows = tuple({k: row[k] for k in row if k != "outputs"} for row in requests)
    name = export.parent.name

    print(f"{export}")
    for warm_up in (False, True):
        ms = first_request_ms(export, rows, warm_up)
        print(f"first request, {'with' if warm_up else 'without'} warm-up: {ms:.1f} ms")
    with served(export.parent) as server:
        print(f"ready after {server.seconds:.1f} s, {server.peak_mib:.0f} MiB")
        print("| | clients | requests/s | p50 ms | p99 ms | errors |\n|---|---|---|---|---|---|")
        for kind, address in (("rest", server.rest), ("grpc", server.grpc)):
            for clients in CLIENTS:
                load = Load(kind, address, name, rows, clients, seconds=given.seconds)
                report = measure(load)
                print(
                    f"| {kind} | {clients} | {report.per_second:.0f} | {report.p50_ms:.1f} |"
                    f" {report.p99_ms:.1f} | {sum(report.errors.values())} |"
                )
        print(f"peak memory of the server: {server.peak_mib:.0f} MiB")


if __name__ == "__main__":
    main()
