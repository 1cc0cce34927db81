"""A stage's directory: written beside its place, renamed when whole, with a manifest inside.

The manifest holds the fingerprint of everything the stage depends on and a checksum of every file
it wrote, so that a finished stage is recognised, and a damaged one too.
"""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline import disk, locks
from pipeline.errors import JobError

MANIFEST = "manifest.json"
log = logging.getLogger("textmill")
SETTLED = 1_000_000_000  # nanoseconds; a younger file may change again without a newer time


def fingerprint(*parts: Any) -> str:
    """16 hex digits that change whenever one of the JSON-serialisable parts changes."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def checksum(path: Path) -> str:
    """The SHA-256 of a file, read once in a process for as long as the file stays as it is."""
    facts = path.stat()
    changed = max(facts.st_mtime_ns, facts.st_ctime_ns)
    if time.time_ns() - changed < SETTLED:
        return _read_sum(path)
    return _known_sum(path.absolute(), facts.st_ino, facts.st_size, changed)


def _read_sum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=4096)
def _known_sum(path: Path, *_: int) -> str:
    return _read_sum(path)


def write_json(path: Path, value: Any) -> None:
    """Write whole or not at all.

    Raises:
        JobError: the disk is full, or not to be written to.
    """
    disk.write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path, *keys: str) -> Any:
    """What a file of ours holds. Args: keys, which that must have.

    Raises:
        JobError: the file is not there, was cut, or is something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        empty = isinstance(error, json.JSONDecodeError) and not text.strip()
        raise _damaged(path, "it is empty" if empty else str(error)) from error
    if missing := [key for key in keys if not isinstance(value, dict) or key not in value]:
        raise _damaged(path, f"it has no {', '.join(missing)}")
    return value


def _damaged(path: Path, what: str) -> JobError:
    place = path.parent if path.name == MANIFEST else path
    return JobError(
        f"{path} is damaged ({what}): put back a copy, or delete {place} and run the same command"
        " again"
    )


@contextmanager
def publish(directory: Path, mark: str, facts: dict[str, Any]) -> Iterator[Path]:
    """Yield a directory to write into; on success it becomes `directory`, replacing an older one.

    Other processes that would publish the same wait. `mark` is the stage's fingerprint. `facts`
    goes into the manifest and may be filled while the block runs. When the block raises, what was
    written stays beside as `NAME.failed`, unless the disk is full or the user broke off.

    Raises:
        JobError: the disk is full, or not to be written to.
    """
    with locks.alone(directory), whole(directory, mark, facts) as unfinished:
        yield unfinished


@contextmanager
def whole(directory: Path, mark: str, facts: dict[str, Any]) -> Iterator[Path]:
    """The same where no other process can be: the caller holds a lock."""
    unfinished, failed, old = (
        directory.with_name(f"{directory.name}.{state}")
        for state in ("unfinished", "failed", "old")
    )
    with disk.writing(directory):
        if directory.exists() and not os.access(directory, os.W_OK):
            raise JobError(f"{directory} is read-only and would be replaced: make it writable")
        for left in (unfinished, failed, old):
            shutil.rmtree(left, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            yield unfinished
            seal(unfinished, mark, facts)
        except Exception as error:
            if disk.refusal(error, unfinished):
                shutil.rmtree(unfinished, ignore_errors=True)
            else:
                os.replace(unfinished, failed)
            raise
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        # Renamed first: a removal that is cut short must leave nothing that looks finished.
        if directory.exists():
            os.replace(directory, old)
        os.replace(unfinished, directory)
        disk.sync(directory.parent)
        shutil.rmtree(old, ignore_errors=True)


def seal(folder: Path, mark: str, facts: dict[str, Any]) -> None:
    """Write the manifest of what is in a folder, and wait until all is on the disk."""
    inside = sorted(path for path in folder.rglob("*") if path != folder / MANIFEST)
    names = [path.relative_to(folder).as_posix() for path in inside if path.is_file()]
    sums = _checksums(folder, names)
    with ThreadPoolExecutor() as pool:  # together: the disk then writes its journal once
        list(pool.map(disk.sync, inside))
    write_json(folder / MANIFEST, {"fingerprint": mark, **facts, "files": sums})
    disk.sync(folder)


def _checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """By name, as many at a time as there are cores; "no file" of one that is not there."""

    def found(name: str) -> tuple[str, str]:
        path = folder / name
        return name, checksum(path) if path.is_file() else "no file"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(found, names))


def manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a finished stage.

    Raises:
        JobError: there is none, so the stage has not finished; or it is damaged.
    """
    path = directory / MANIFEST
    if not path.is_file():
        raise JobError(
            f"{directory} holds no {MANIFEST}: the stage that writes it has not finished"
        )
    return read_json(path, "fingerprint", "files")


def finished(directory: Path, mark: str) -> bool:
    """Whether the directory is there and was made from the same inputs and settings.

    Raises:
        JobError: its manifest is damaged.
    """
    return (directory / MANIFEST).is_file() and manifest(directory)["fingerprint"] == mark


@contextmanager
def to_make(directory: Path, mark: str, wait: bool = True) -> Iterator[bool]:
    """Say whether a stage still is to be made, and if so keep other processes from making it.

    Args: wait, for another process that is making it; else that is an error.

    Raises:
        JobError: its manifest is damaged, or another process is not waited for.
    """
    if finished(directory, mark):
        yield False
        return
    with locks.alone(directory, wait):
        yield not finished(directory, mark)


def await_finished(directory: Path, mark: str, seconds: float) -> None:
    """Wait until another process, perhaps on another machine, has made a stage.

    Raises:
        JobError: it has not, after so many seconds.
    """
    end = time.monotonic() + seconds
    if not finished(directory, mark):
        log.info("waiting up to %g s for the chief to make %s", seconds, directory)
    while not finished(directory, mark):
        if time.monotonic() > end:
            raise JobError(
                f"the chief has not made {directory} within {seconds:g} s: see what it says, and"
                " whether all tasks see the same files and the same work folder. If it needs"
                " longer, raise train.strategy.wait, or run `textmill prepare` first"
            )
        time.sleep(1)


def check(directory: Path, *names: str) -> None:
    """Compare files with the manifest. Args: names, how those begin that are to be read, else all.

    Raises:
        JobError: a file is missing or has changed since the stage wrote it.
    """
    wanted = manifest(directory)["files"]
    wanted = {name: said for name, said in wanted.items() if name.startswith(names or "")}
    for name, got in _checksums(directory, wanted).items():
        if got != wanted[name]:
            raise JobError(
                f"{directory / name} is not what its manifest says (expected sha256"
                f" {wanted[name][:12]}..., got {got[:12]}): delete {directory} and run the stage"
                " that makes it again"
            )
