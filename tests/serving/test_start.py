"""How a server that cannot start says so: exit status 1, the reason, what to do."""

import socket
import subprocess
import sys

import pytest


def serve(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "serving.server", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_folder_without_models(tmp_path):
    ended = serve(tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: {tmp_path} holds no model")
    assert "Traceback" not in ended.stderr


def test_a_model_that_does_not_load(tmp_path):
    (tmp_path / "bad" / "1").mkdir(parents=True)
    (tmp_path / "bad" / "1" / "saved_model.pb").write_bytes(b"not a graph")
    ended = serve(tmp_path, "--rest-port=0", "--grpc-port=0")
    assert ended.returncode == 1
    assert "error: model bad at" in ended.stderr
    assert "version 1: " in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("flag", ["--rest-port", "--grpc-port"])
def test_a_port_that_is_taken(tiny, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve(tiny, "--rest-port=0", "--grpc-port=0", f"{flag}={port}")
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert f"give {flag} a free port" in ended.stderr
