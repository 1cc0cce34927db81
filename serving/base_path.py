"""A model's folder: which versions are in it, and which of them a version policy asks for."""

from pathlib import Path

from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

VersionPolicy = FileSystemStoragePathSourceConfig.ServableVersionPolicy


def scan(base_path: Path) -> dict[int, tuple[Path, int]]:
    """Version number -> (directory, time stamp), for the folders whose name is a number."""
    if not base_path.is_dir():
        return {}
    found = {}
    for path in base_path.iterdir():
        if path.name.isdecimal() and path.is_dir():
            graph = path / "saved_model.pb"
            stamp = (graph if graph.is_file() else path).stat().st_mtime_ns
            found[int(path.name)] = (path, stamp)
    return found


def choose(numbers: list[int], policy: VersionPolicy) -> list[int]:
    """The versions that a model's version policy asks for: the newest one by default."""
    match policy.WhichOneof("policy_choice"):
        case "all":
            return numbers
        case "specific":
            return [number for number in numbers if number in policy.specific.versions]
        case _:
            return numbers[-(policy.latest.num_versions or 1) :]
