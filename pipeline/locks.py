"""One process at a time makes a folder, of all that see it; the others wait and say for whom.

The system holds the lock, on a file `.NAME.lock` beside the folder NAME, and lets go of it when its
holder ends, however it ends: a file that a killed process left behind locks nobody out.
"""

import errno
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import JobError

if TYPE_CHECKING:
    from filelock import FileLock

EVERY = 0.5  # seconds between two looks at a lock that another process holds
# Of filesystems without locks, of another user's files, and of what is read-only.
NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EROFS}

log = logging.getLogger("textmill")
_held: set[tuple[int, Path]] = set()  # process (a fork holds nothing of its parent's) and file


@contextmanager
def alone(folder: Path, wait: bool = True) -> Iterator[None]:
    """Keep other processes from making what `folder` will be, for the length of the block.

    May be nested. Where locks do not work that is said, and the block runs without.

    Args: wait, else another process that is there is an error.

    Raises:
        JobError: another process is there and is not waited for.
    """
    file = folder.absolute().with_name(f".{folder.name}.lock")
    key = (os.getpid(), file)
    if key in _held:
        yield
        return
    from filelock import FileLock  # which verifying an export, and so a server, does without

    lock = FileLock(file, timeout=0, poll_interval=EVERY, fallback_to_soft=False)
    try:
        _acquire(lock, folder, file, wait)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        if os.access(file.parent, os.W_OK):  # else nobody is at work there
            what = "%s cannot be locked (%s): see to it that no other command works there"
            log.warning(what, folder, error.strerror)
    _held.add(key)
    try:
        yield
    finally:
        _held.discard(key)
        if lock.is_locked:
            # While it is held: who waits for a file without a name, as filelock sees, looks again.
            file.unlink(missing_ok=True)
            lock.release()


def _acquire(lock: "FileLock", folder: Path, file: Path, wait: bool) -> None:
    from filelock import Timeout

    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire()
    except Timeout:
        if not wait:
            raise JobError(f"{_holder(file)} is at work on {folder}: wait for it") from None
        log.info("waiting for %s, which is at work on %s", _holder(file), folder)
        lock.acquire(timeout=-1)
        log.info("%s is free: going on", folder)
    with suppress(OSError):  # it serves to tell those who wait
        file.write_text(json.dumps(_myself()), encoding="utf-8")


def _myself() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": " ".join([Path(sys.argv[0]).name, *takewhile(_public, sys.argv[1:])]),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def _public(argument: str) -> bool:
    """Not what is set, which may be an address with a password."""
    return not argument.startswith("-")


def _holder(file: Path) -> str:
    try:
        return "process {pid} on {host} (`{command}`, since {since})".format(
            **json.loads(file.read_text(encoding="utf-8"))
        )
    except (OSError, ValueError, KeyError):
        return "another process"
