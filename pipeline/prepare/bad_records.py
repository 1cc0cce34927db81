"""Records that cannot be used, and the reasons that readers of files give."""

import json
from typing import Any, NamedTuple

EXCERPT = 500  # characters of a bad record that are kept
NOT_UTF8 = "not UTF-8"
TOO_LONG = "record too long"
FIELDS = "wrong number of fields"


class Bad(NamedTuple):
    """A record that cannot be used. `reason` is one of few, so that they can be counted.

    `detail`: what more there is to say of this one.
    """

    reason: str
    excerpt: str
    detail: str = ""

    @property
    def told(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class Refused(Exception):
    """Carries the reason why a record is bad."""


def not_encoded(encoding: str) -> str:
    """The reason of bytes that the encoding does not have."""
    return NOT_UTF8 if encoding.lower() in ("utf-8", "utf8") else f"not {encoding}"


def bad(reason: str, record: Any) -> Bad:
    """Keep the beginning of the record, as text that any reader can show."""
    if isinstance(record, bytes):
        record = record[: 4 * EXCERPT].decode("utf-8", "backslashreplace")
    elif not isinstance(record, str):
        record = json.dumps(record, ensure_ascii=False, default=str)
    record = record.rstrip("\r\n")
    cut = record[:EXCERPT] + ("..." if len(record) > EXCERPT else "")
    return Bad(reason, cut.encode("utf-8", "backslashreplace").decode())


Record = dict[str, Any] | Bad
