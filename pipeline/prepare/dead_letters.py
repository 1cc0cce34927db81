"""Records that cannot be used, kept with where they stood and why."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Self

from pipeline.prepare.sources import Bad

FIRST = 5  # bad records of a file that messages name


class Writer:
    """One file's dead letters: JSON objects {file, line, reason, record}, a line each."""

    def __init__(self, path: Path, source: str):
        self.source = source
        self.reasons: Counter[str] = Counter()
        self.first: list[str] = []
        self._file = open(path, "w", encoding="utf-8")  # noqa: SIM115, closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._file.close()

    def write(self, line: int, bad: Bad) -> None:
        self.reasons[bad.reason] += 1
        if len(self.first) < FIRST:
            self.first.append(f"{self.source}:{line}: {bad.reason}")
        letter = {"file": self.source, "line": line, "reason": bad.reason, "record": bad.excerpt}
        self._file.write(json.dumps(letter, ensure_ascii=False) + "\n")

    def facts(self) -> dict[str, Any]:
        return {"bad": dict(self.reasons), "first_bad": self.first}
