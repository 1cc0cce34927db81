"""Files that are on the disk before they count, and what a disk refuses, said in one line."""

import errno
import os
import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pipeline.errors import JobError

# These come of writing alone. Libraries tell them in exceptions of their own, so by their text.
FULL = tuple(
    os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
)
DENIED = (errno.EACCES, errno.EPERM, errno.EIO)  # of reading too
NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)  # of filesystems and folders without it


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk and outlives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write whole or not at all: others may read the file at any time.

    Raises:
        JobError: the disk is full, or not to be written to.
    """
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    with writing(path):
        try:
            unfinished.write_text(text, encoding="utf-8")
            sync(unfinished)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn what the disk refuses into a JobError that names the place.

    Raises:
        JobError: as said; every other exception stays what it is.
    """
    try:
        yield
    except Exception as error:
        if (reason := refusal(error, place)) is None:
            raise
        raise JobError(
            f"{place} cannot be written: {reason}; {_room(place)}. Make room, or choose another"
            " place"
        ) from error


def refusal(error: BaseException | None, place: Path) -> str | None:
    """What the disk said, if that is behind the exception.

    Args: place, where being denied access is a matter of writing.
    """
    while error is not None:
        said = str(error)
        denied = isinstance(error, OSError) and error.errno in DENIED and str(place) in said
        if denied or any(text in said for text in FULL):
            return textwrap.shorten(said, 200, placeholder="...")
        error = error.__cause__ or error.__context__
    return None


def _room(place: Path) -> str:
    while not place.exists():
        place = place.parent
    return f"{shutil.disk_usage(place).free / 1e9:.1f} GB are free there"
