"""A folder that `transformers` reads: which one is, and the JSON in it."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import JobError

CONFIG, TOKENIZER_CONFIG = "config.json", "tokenizer_config.json"
# What tells a BERT's config.json of the years before `model_type` from those of anything else.
_SIZES = {"hidden_size", "num_hidden_layers", "num_attention_heads"}


def is_folder(folder: Path) -> bool:
    """Whether `transformers` would read a model there; of any kind."""
    if not (folder / CONFIG).is_file():
        return False
    config = read(folder / CONFIG)
    return "model_type" in config or "architectures" in config or config.keys() >= _SIZES


def read(path: Path) -> dict[str, Any]:
    """
    Raises:
        JobError: the file cannot be read, or holds no mapping.
    """
    try:
        return parsed(path.read_bytes(), str(path))
    except OSError as error:
        raise JobError(f"cannot read {path}: {error}") from error


def read_if_there(path: Path) -> dict[str, Any]:
    return read(path) if path.is_file() else {}


def parsed(content: bytes, path: str) -> dict[str, Any]:
    """The same from a file's content."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise JobError(f"{path} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise JobError(f"{path} should hold a mapping, got {type(value).__name__}")
    return value


def flag(said: dict[str, Any], name: str, default: bool | None, path: Path) -> bool | None:
    """A setting that is true or false.

    Raises:
        JobError: it is something else.
    """
    value = said.get(name, default)
    if not isinstance(value, bool) and value is not default:
        raise JobError(f"{path}: {name} should be true or false, got {value!r}")
    return value
