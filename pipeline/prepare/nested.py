"""Columns inside of columns: `doc.body` is the field `body` of what stands in `doc`."""

from collections.abc import Iterator, Sequence
from typing import Any


def with_paths(record: dict[str, Any], needed: Sequence[str]) -> dict[str, Any]:
    """The record, with the needed fields that lie deeper also under their whole names."""
    deeper = [name for name in needed if "." in name and name not in record]
    return {**record, **{name: _reached(record, name) for name in deeper}} if deeper else record


def paths(record: dict[str, Any], before: str = "") -> Iterator[str]:
    """The names of all columns and of all fields inside of them."""
    for name, value in record.items():
        yield before + name
        if isinstance(value, dict):
            yield from paths(value, f"{before}{name}.")


def _reached(record: dict[str, Any], name: str) -> Any:
    """None if there is no such field."""
    found: Any = record
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
