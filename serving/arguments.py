"""The server's command line. TF Serving's own flags are understood too (`--rest_api_port=8501`)."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from serving.batching import Batching
from serving.model_list import Folder, Read, models_at
from serving.settings import METRICS_PATH, read_batching, read_metrics_path, read_models

# Flags of TF Serving for what this server does anyway.
_GRANTED = ("--enable-batching", "--allow-version-labels-for-unavailable-models")


@dataclass(frozen=True)
class Settings:
    models: list[ModelConfig]
    batching: Batching
    metrics_path: str | None
    host: str
    rest_port: int
    grpc_port: int
    poll_seconds: float
    timeout: float
    largest_body: int
    most_values: int
    most_in_flight: int
    reread: Read | None
    reread_seconds: float  # 0: never


def parse(argv: Sequence[str]) -> Settings:
    """Raises: JobError: a path or a file is not what it should be. SystemExit: usage."""
    dashed = [re.sub(r"^--[a-z_]+", lambda m: m[0].replace("_", "-"), arg) for arg in argv]
    parser = _parser()
    given = parser.parse_args([arg for arg in dashed if arg.split("=")[0] not in _GRANTED])
    ways = [given.path, given.model_base_path, given.model_config_file]
    if sum(way is not None for way in ways) != 1:
        parser.error("give one of PATH, --model-base-path and --model-config-file")
    reread: Read | None = None
    reread_seconds = given.file_system_poll_wait_seconds
    if given.path is not None:
        models = models_at(given.path)
        if all(Path(model.base_path).parent == given.path.resolve() for model in models):
            reread = Folder(given.path, models)
    elif given.model_base_path is not None:
        name = given.model_name or given.model_base_path.resolve().name
        models = [ModelConfig(name=name, base_path=str(given.model_base_path))]
    else:
        reread = partial(_mounted, given.model_config_file, given.mount)
        reread_seconds = given.model_config_file_poll_wait_seconds
        models = reread()
    batching, monitoring = given.batching_parameters_file, given.monitoring_config_file
    return Settings(
        models=models,
        batching=read_batching(batching) if batching else Batching(),
        metrics_path=read_metrics_path(monitoring) if monitoring else METRICS_PATH,
        host=given.host,
        rest_port=given.rest_port,
        grpc_port=given.grpc_port,
        poll_seconds=given.file_system_poll_wait_seconds,
        timeout=given.rest_api_timeout_in_ms / 1000,
        largest_body=given.max_body_bytes,
        most_values=given.max_values,
        most_in_flight=given.max_in_flight,
        reread=reread,
        reread_seconds=reread_seconds,
    )


def _mounted(config_file: Path, mount: str | None) -> list[ModelConfig]:
    """The models of a models.config, whose paths are those inside the container."""
    here, _, there = (mount or f"{config_file.resolve().parent}:/models").rpartition(":")
    models = read_models(config_file)
    for model in models:
        path = Path(model.base_path)
        if path.is_relative_to(there):
            model.base_path = str(Path(here) / path.relative_to(there))
    return models


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.server",
        description="Serve SavedModels on this machine with TensorFlow Serving's REST and gRPC API:"
        " a stand-in for local use and tests.",
    )
    add = parser.add_argument
    add("path", nargs="?", type=Path, help="a folder of models, a model, or one of its versions")
    add("--model-base-path", type=Path, metavar="DIR", help="a model's folder of versions")
    add("--model-name", metavar="NAME", help="its name in requests (default: the folder's)")
    add("--model-config-file", type=Path, metavar="FILE", help="TF Serving's models.config")
    add("--model-config-file-poll-wait-seconds", type=float, default=0.0, metavar="S", help="0: no")
    add(
        "--mount",
        metavar="HERE:THERE",
        help="where the paths of models.config are on this machine, as in `docker run -v`"
        " (default: the file's own folder is /models)",
    )
    add(
        "--batching-parameters-file", type=Path, metavar="FILE", help="TF Serving's batching.config"
    )
    add(
        "--monitoring-config-file", type=Path, metavar="FILE", help="TF Serving's monitoring.config"
    )
    add("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    add("--rest-port", "--rest-api-port", type=int, default=8501, help="8501; 0 takes a free one")
    add("--grpc-port", "--port", type=int, default=8500, help="8500; 0 takes a free one")
    add("--file-system-poll-wait-seconds", type=float, default=1.0, metavar="S", help="1")
    add(
        "--rest-api-timeout-in-ms",
        type=float,
        default=30_000,
        metavar="MS",
        help="30000; for gRPC too",
    )
    add("--max-body-bytes", type=int, default=16 << 20, metavar="N", help="16 MiB; more is 413")
    add(
        "--max-values",
        type=int,
        default=1 << 18,
        metavar="N",
        help="262144 texts, numbers and lists in a request; more is 413",
    )
    add("--max-in-flight", type=int, default=1024, metavar="N", help="1024; more is 429")
    return parser
