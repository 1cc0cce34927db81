"""What the tensorflow/serving image reads, written beside the models: see serving/README.md."""

from pathlib import Path

from pipeline import disk, locks
from pipeline.errors import JobError

GRAPH = "saved_model.pb"  # what makes a folder an export
IMAGE = "tensorflow/serving:2.20.0"  # `pipeline.publishing.serving_ops.TARGET` is its release

BATCHING = """\
# Requests that come within 2 ms of each other are computed together, at most 128 texts at once; a
# single request with more is refused.
max_batch_size { value: 128 }
batch_timeout_micros { value: 2000 }
# What waits beyond this many batches is refused with UNAVAILABLE (HTTP 503), never kept hanging.
max_enqueued_batches { value: 100 }
# About one for each core.
num_batch_threads { value: 4 }
# Padding would repeat a text's first token id: requests to the signature `ids` pad with 0
# themselves, all to one length, and those to `words` with "".
pad_variable_length_inputs: false
"""

MONITORING = """\
prometheus_config { enable: true, path: "/monitoring/prometheus/metrics" }
"""

COMPOSE = f"""\
# TensorFlow Serving for the models in this folder: docker compose -f compose.yaml up
services:
  serving:
    image: {IMAGE}
    command:
      - --model_config_file=/models/models.config
      # New models and labels in models.config are taken up without a restart; new versions of a
      # model are found in any case.
      - --model_config_file_poll_wait_seconds=30
      # A version's label may be read before the version has loaded.
      - --allow_version_labels_for_unavailable_models=true
      - --enable_batching=true
      - --batching_parameters_file=/models/batching.config
      - --monitoring_config_file=/models/monitoring.config
    volumes:
      - .:/models:ro
    ports:
      - 127.0.0.1:8500:8500 # gRPC
      - 127.0.0.1:8501:8501 # REST and metrics
    restart: unless-stopped
"""


def versions(model_dir: Path) -> list[int]:
    """The finished versions of a model, oldest first."""
    if not model_dir.is_dir():
        return []
    return sorted(int(path.name) for path in model_dir.iterdir() if path.name.isdecimal())


def newest(folder: Path) -> Path:
    """A version's folder: this one, or of a model's folder the newest version.

    Raises:
        JobError: there is no export.
    """
    if not (folder / GRAPH).is_file() and (numbers := versions(folder)):
        folder = folder / str(numbers[-1])
    if not (folder / GRAPH).is_file():
        raise JobError(
            f"{folder} is no export: name a model's folder, such as work/models/NAME, or a"
            " version's in it"
        )
    return folder


def write_serving_files(models: Path) -> None:
    """Write models.config, batching.config, monitoring.config and compose.yaml into `models`.

    models.config lists every model with its two newest versions, labelled `stable` and `previous`,
    and always follows what is there; the other files are the user's to change once they are there.
    """
    with locks.alone(models):
        _write(models)


def _write(models: Path) -> None:
    listed, text = models / "models.config", _models_config(models)
    if not listed.is_file() or listed.read_text(encoding="utf-8") != text:
        disk.write_text(listed, text)
    files = {"batching.config": BATCHING, "monitoring.config": MONITORING, "compose.yaml": COMPOSE}
    for name, text in files.items():
        if not (models / name).exists():
            disk.write_text(models / name, text)


def _models_config(models: Path) -> str:
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    server = model_server_config_pb2.ModelServerConfig()
    for model_dir in sorted(path for path in models.iterdir() if path.is_dir()):
        newest_first = versions(model_dir)[::-1]
        if not newest_first:
            continue
        config = server.model_config_list.config.add(
            name=model_dir.name, base_path=f"/models/{model_dir.name}", model_platform="tensorflow"
        )
        config.model_version_policy.latest.num_versions = 2
        config.version_labels.update(zip(("stable", "previous"), newest_first, strict=False))
    return text_format.MessageToString(server)
