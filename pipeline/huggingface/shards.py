"""The weights of a Hugging Face folder: in one file, or in several that an index names."""

import re
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from pipeline.errors import JobError
from pipeline.huggingface import folders

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_PLAIN = re.compile(r"[^/\\\0]+\.safetensors")  # no path to another folder


def files(folder: Path) -> list[Path]:
    """What the weights are read from, whether or not it is there; the index is the last.

    Raises:
        JobError: the index names no files of this folder.
    """
    index = folder / INDEX
    if (folder / WHOLE).is_file() or not index.is_file():
        return [folder / WHOLE]
    names = {*_index(index).values()}
    return [*(folder / name for name in sorted(names)), index]


def read(folder: Path) -> dict[str, np.ndarray]:
    """All weights by their names there.

    Raises:
        JobError: a file is missing or damaged.
    """
    if (folder / WHOLE).is_file():
        return _read(folder / WHOLE)
    *shards, index = files(folder)
    placed = _index(index)
    return {
        name: value
        for shard in shards
        for name, value in _read(shard).items()
        if placed.get(name) == shard.name
    }


def _index(path: Path) -> dict[str, str]:
    """The file of each weight."""
    placed = folders.read(path).get("weight_map")
    if not isinstance(placed, dict) or not placed:
        raise JobError(f"{path} should have a weight_map, the file of each weight")
    for weight, name in placed.items():
        if not isinstance(name, str) or not _PLAIN.fullmatch(name):
            raise JobError(f"{path}: {weight} should be in a file of this folder, got {name!r}")
    return placed


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise JobError(f"{path} is no safetensors file, or is cut short: {error}") from error
