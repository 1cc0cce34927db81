"""A log that no client can flood: some messages of a kind a minute, and how many were left out."""

import logging
import time
from dataclasses import dataclass

MOST = 20  # messages of a kind
PERIOD = 60  # seconds


@dataclass
class _Kind:
    began: float
    count: int = 0


class LogLimit(logging.Filter):
    """A kind is the line of code that a message comes from: its text may be made by a client."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, int], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, place = time.monotonic(), (record.pathname, record.lineno)
        kind = self._kinds.setdefault(place, _Kind(now))
        if now - kind.began > PERIOD:
            self._kinds[place] = _Kind(now, 1)
            left_out = kind.count - MOST
            if left_out > 0:
                said = record.getMessage()
                record.msg, record.args = f"{said} ({left_out} like this were left out)", None
            return True
        kind.count += 1
        return kind.count <= MOST
