"""A model's folder: which versions are in it, and which of them a version policy asks for."""

import re
from pathlib import Path

from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

VersionPolicy = FileSystemStoragePathSourceConfig.ServableVersionPolicy
Stamp = frozenset[tuple[str, int, int]]
_LARGEST_NUMBER = 2**63 - 1


def scan(base_path: Path) -> dict[int, Path]:
    """Version number -> directory, for the folders whose name is a number."""
    if not base_path.is_dir():
        return {}
    numbers = {
        int(path.name): path
        for path in base_path.iterdir()
        if re.fullmatch("[0-9]+", path.name) and path.is_dir()
    }
    return {number: path for number, path in numbers.items() if number <= _LARGEST_NUMBER}


def stamp(version: Path) -> Stamp:
    """Name, size and time of all its files: another one whenever a file was written."""
    found = set()
    for path in version.rglob("*"):
        try:
            facts = path.stat()
        except FileNotFoundError:  # taken away just now
            continue
        found.add((str(path), facts.st_size, facts.st_mtime_ns))
    return frozenset(found)


def choose(numbers: list[int], policy: VersionPolicy) -> list[int]:
    """The versions that a model's version policy asks for: the newest one by default."""
    match policy.WhichOneof("policy_choice"):
        case "all":
            return numbers
        case "specific":
            return [number for number in numbers if number in policy.specific.versions]
        case _:
            return numbers[-(policy.latest.num_versions or 1) :]
