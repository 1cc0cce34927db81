"""TF Serving's own configuration files, read as TF Serving reads them: protobuf text format.

`models.config` is a ModelServerConfig, whose Python class comes with tensorflow-serving-api. The
package leaves out BatchingParameters (servables/tensorflow/session_bundle_config.proto) and
MonitoringConfig (config/monitoring_config.proto), so those two are declared here; text format goes
by names and types alone.
"""

import logging
from dataclasses import replace
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf import wrappers_pb2 as _wrappers  # noqa: F401  (adds Int64Value to the pool)
from google.protobuf.message import Message
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from pipeline.errors import JobError
from serving.batching import Batching

METRICS_PATH = "/monitoring/prometheus/metrics"
_DECLARED = """
  name: "textmill/serving.proto" package: "textmill.serving" syntax: "proto3"
  dependency: "google/protobuf/wrappers.proto"
  message_type { name: "BatchingParameters"
    field { name: "max_batch_size" number: 1 type_name: ".google.protobuf.Int64Value" }
    field { name: "batch_timeout_micros" number: 2 type_name: ".google.protobuf.Int64Value" }
    field { name: "max_enqueued_batches" number: 3 type_name: ".google.protobuf.Int64Value" }
    field { name: "num_batch_threads" number: 4 type_name: ".google.protobuf.Int64Value" }
    field { name: "thread_pool_name" number: 5 type_name: ".google.protobuf.StringValue" }
    field { name: "allowed_batch_sizes" number: 6 type: TYPE_INT64 label: LABEL_REPEATED }
    field { name: "pad_variable_length_inputs" number: 7 type: TYPE_BOOL } }
  message_type { name: "PrometheusConfig"
    field { name: "enable" number: 1 type: TYPE_BOOL }
    field { name: "path" number: 2 type: TYPE_STRING } }
  message_type { name: "MonitoringConfig"
    field { name: "prometheus_config" number: 1 type_name: ".textmill.serving.PrometheusConfig" } }
"""


def _declare(name: str) -> type[Message]:
    pool = descriptor_pool.Default()
    try:
        found = pool.FindMessageTypeByName(f"textmill.serving.{name}")
    except KeyError:
        pool.AddSerializedFile(
            text_format.Parse(_DECLARED, descriptor_pb2.FileDescriptorProto()).SerializeToString()
        )
        found = pool.FindMessageTypeByName(f"textmill.serving.{name}")
    return message_factory.GetMessageClass(found)


def _read(path: Path, message: Message) -> Message:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise JobError(f"{path}: {error.strerror}: give a file that TF Serving can read") from error
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise JobError(f"{path}:{line}: should be UTF-8 text, got byte {byte:#04x}") from error
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        line, column = error.GetLine(), error.GetColumn()
        kind = message.DESCRIPTOR.name
        raise JobError(f"{path}:{line}: column {column}: not a {kind}: {error}") from error


def read_batching(path: Path) -> Batching:
    """batching.config, as `--batching_parameters_file` of TF Serving takes it."""
    message = _read(path, _declare("BatchingParameters")())
    given = {
        name: getattr(message, name).value
        for name in Batching.__dataclass_fields__
        if name != "allowed_batch_sizes" and message.HasField(name)
    }
    least = {name: 0 if name == "batch_timeout_micros" else 1 for name in given}
    for name, value in given.items():
        if value < least[name]:
            raise JobError(f"{path}: {name} must be at least {least[name]}, got {value}")
    sizes = tuple(message.allowed_batch_sizes)
    batching = replace(Batching(), **given, allowed_batch_sizes=sizes)
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != batching.max_batch_size):
        raise JobError(
            f"{path}: allowed_batch_sizes must increase and end with max_batch_size"
            f" ({batching.max_batch_size}), got {list(sizes)}"
        )
    if message.pad_variable_length_inputs:
        logging.warning(
            "%s: pad_variable_length_inputs is ignored here: TF Serving pads a row with its own"
            " first value, which changes answers; this server batches equal shapes only",
            path,
        )
    return batching


def read_metrics_path(path: Path) -> str | None:
    """monitoring.config: where the Prometheus metrics are, or None when they are off."""
    config = _read(path, _declare("MonitoringConfig")()).prometheus_config
    if config.path and not config.path.startswith("/"):
        raise JobError(f"{path}: the path must begin with /, got {config.path!r}")
    return (config.path or METRICS_PATH) if config.enable else None


def read_models(path: Path) -> list[ModelConfig]:
    """The models of a models.config."""
    return model_list(_read(path, ModelServerConfig()))


def model_list(config: ModelServerConfig) -> list[ModelConfig]:
    """The models of a ModelServerConfig.

    Raises:
        JobError: none, a model without name or path, or a name twice.
    """
    models = list(config.model_config_list.config)
    names = [model.name for model in models]
    if not models:
        raise JobError("the model config names no model: give a model_config_list")
    if not all(model.name and model.base_path for model in models):
        raise JobError("every config of a model_config_list needs a name and a base_path")
    if len(set(names)) < len(names):
        raise JobError(f"each model may be listed once, got {names}")
    return models
