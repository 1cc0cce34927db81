"""A stage's directory: written beside its place, renamed when whole, with a manifest inside.

The manifest holds the fingerprint of everything the stage depends on and a checksum of every file
it wrote, so that a finished stage is recognised, and a damaged one too.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import JobError

MANIFEST = "manifest.json"


def fingerprint(*parts: Any) -> str:
    """16 hex digits that change whenever one of the JSON-serialisable parts changes."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def checksum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def publish(directory: Path, mark: str, facts: dict[str, Any]) -> Iterator[Path]:
    """Yield a directory to write into; on success it becomes `directory`, replacing an older one.

    `mark` is the stage's fingerprint. `facts` goes into the manifest and may be filled while the
    block runs. When the block raises, what was written stays beside as `NAME.failed`.
    """
    unfinished = directory.with_name(directory.name + ".unfinished")
    failed = directory.with_name(directory.name + ".failed")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(failed, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        files = sorted(p for p in unfinished.rglob("*") if p.is_file())
        sums = {p.relative_to(unfinished).as_posix(): checksum(p) for p in files}
        write_json(unfinished / MANIFEST, {"fingerprint": mark, **facts, "files": sums})
    except BaseException:
        os.replace(unfinished, failed)
        raise
    shutil.rmtree(directory, ignore_errors=True)
    os.replace(unfinished, directory)


def manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a finished stage.

    Raises:
        JobError: there is none, so the stage has not finished.
    """
    path = directory / MANIFEST
    if not path.is_file():
        raise JobError(
            f"{directory} holds no {MANIFEST}: the stage that writes it has not finished"
        )
    return read_json(path)


def finished(directory: Path, mark: str) -> bool:
    """Whether the directory is there and was made from the same inputs and settings."""
    path = directory / MANIFEST
    return path.is_file() and read_json(path)["fingerprint"] == mark


def check(directory: Path) -> None:
    """Compare every file with the manifest.

    Raises:
        JobError: a file is missing or has changed since the stage wrote it.
    """
    for name, expected in manifest(directory)["files"].items():
        path = directory / name
        got = checksum(path) if path.is_file() else "no file"
        if got != expected:
            raise JobError(
                f"{path} is not what its manifest says (expected sha256 {expected[:12]}..., got"
                f" {got[:12]}): delete {directory} and run the stage that makes it again"
            )
