"""Preparing on other runners, with real processes: the same bytes as in this one."""

import contextlib
import csv
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from reading import content

from configs.data import Beam
from pipeline.errors import JobError
from pipeline.prepare import batches, runners, scanning, sharding

BIN = Path(sys.executable).parent
# Beam's job service gives a job one worker; here it shall give two.
JOB_SERVICE = """
import sys
from apache_beam.runners.portability import local_job_service_main
from apache_beam.runners.portability.fn_api_runner import fn_runner

class TwoWorkers(fn_runner.FnApiRunner):
    def __init__(self, **options):
        super().__init__(**options)
        self._num_workers = 2

fn_runner.FnApiRunner = TwoWorkers
local_job_service_main.run(sys.argv[1:])
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def process(*command, port=None):
    """Run a process until the block ends; with a port, the block starts when it answers there."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"  # worker pools start "python" from there
    environment = {**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen([str(part) for part in command], env=environment, **quiet)
    try:
        end = time.monotonic() + 120
        while port and time.monotonic() < end and running.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
                break
            time.sleep(0.2)
        assert running.poll() is None
        yield
    finally:
        running.terminate()
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()


@pytest.fixture
def portable():
    """A job service and a pool that starts two worker processes for it."""
    jobs, pool = free_port(), free_port()
    service = (sys.executable, "-c", JOB_SERVICE, "-p", jobs)
    workers = (sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main")
    with process(*service, port=jobs), process(*workers, "--service_port", pool, port=pool):
        options = [f"--job_endpoint=localhost:{jobs}", "--environment_type=EXTERNAL"]
        yield Beam(runner="portable", options=(*options, f"--environment_config=localhost:{pool}"))


@pytest.fixture
def dask(tmp_path):
    """A scheduler and two worker processes."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = (BIN / "dask", "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    worker = (BIN / "dask", "worker", address, "--nthreads", 1, "--no-dashboard")
    with contextlib.ExitStack() as stack:
        stack.enter_context(process(*scheduler, port=port))
        for name in ("one", "two"):
            folder = ("--local-directory", tmp_path / name)
            stack.enter_context(process(*worker, "--name", name, *folder))
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(2, timeout=120)
        yield Beam(runner="dask", options=(f"--dask_client_address={address}",))


@pytest.fixture
def lines(tmp_path, banking77):
    """A recipe over six files, one of them with a broken line."""
    for i in range(6):
        with open(tmp_path / f"part-{i}.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *banking77["train"][i::12]])
    with open(tmp_path / "part-3.csv", "ab") as file:
        file.write(b"broken \xff,label\n")
    data = f"data: {{train: '{tmp_path}/part-*.csv', test: 0.1, shard_examples: 300}}"
    return data, "task: {kind: classify}", "text: {tokenizer: {kind: wordpiece, size: 600}}"


@pytest.mark.parametrize(
    "mode",
    ["multi_threading", pytest.param("multi_processing", marks=pytest.mark.slow)],
)
def test_workers_of_the_in_process_runner(prepared, lines, mode):
    alone = content(prepared(*lines, work="alone"))
    options = f"[--direct_num_workers=2, --direct_running_mode={mode}]"
    assert content(prepared(*lines, f"beam: {{options: {options}}}", work="two")) == alone


@pytest.mark.parametrize("threads", [1, 4])
def test_threads_change_nothing(prepared, lines, threads, monkeypatch):
    alone = content(prepared(*lines, work="alone"))
    for module in (scanning, sharding):
        monkeypatch.setattr(module, "THREADS", threads)
    monkeypatch.setattr(batches, "COUNT", 7)
    assert content(prepared(*lines, work="more")) == alone


@pytest.mark.slow
@pytest.mark.parametrize("name", ["portable", "dask"])
def test_two_outside_workers_write_the_same_bytes(prepared, lines, name, request, tmp_path):
    beam = request.getfixturevalue(name)
    processes = runners.run(beam, lambda unit: {"id": os.getpid()}, range(8), tmp_path / "answers")
    assert len({facts["id"] for facts in processes} - {os.getpid()}) == 2

    alone = content(prepared(*lines, work="alone"))
    assert content(prepared(*lines, f"beam: {beam.model_dump_json()}", work="two")) == alone


def test_what_workers_answer_comes_in_order_and_once(tmp_path):
    facts = runners.run(Beam(), lambda unit: {"double": 2 * unit}, range(20), tmp_path / "answers")
    assert [fact["double"] for fact in facts] == [2 * i for i in range(20)]


def test_an_answer_that_is_missing_is_noticed(tmp_path):
    (tmp_path / "answers-00000-of-00001").write_text('{"index": 1, "facts": {}}\n')
    with pytest.raises(JobError, match="of 2 units of work Beam gave 1 answers back"):
        runners._checked(tmp_path / "answers", 2)


def test_a_job_error_in_a_worker_is_told_as_it_is(tmp_path):
    def work(unit):
        if unit == 1:
            raise JobError("a.csv:7: told")
        return {}

    with pytest.raises(JobError, match=r"^a\.csv:7: told$"):
        runners.run(Beam(), work, range(3), tmp_path / "answers")


def test_any_other_error_names_the_runner(tmp_path):
    complaint = "Beam's runner 'in_process' failed: integer division or modulo by zero"
    with pytest.raises(JobError, match=complaint):
        runners.run(Beam(), lambda unit: {"never": 1 // unit}, range(2), tmp_path / "answers")
