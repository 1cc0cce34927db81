"""What was changed of records that are used all the same: how often, and where first."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

FIRST = 3  # places that each note names


class Notes:
    """The notes on the records of one file."""

    def __init__(self, source: str):
        self.source = source
        self.counts: Counter[str] = Counter()
        self.first: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, line: int, notes: Sequence[str]) -> None:
        for note in notes:
            self.counts[note] += 1
            where = f"{self.source}:{line}"
            if len(self.first[note]) < FIRST and where not in self.first[note]:
                self.first[note].append(where)

    def facts(self) -> dict[str, Any]:
        return {"notes": dict(self.counts), "first_notes": dict(self.first)}


def in_words(facts: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence for each note. Args: facts, of all files."""
    counts: Counter[str] = Counter()
    first: defaultdict[str, list[str]] = defaultdict(list)
    for fact in facts:
        counts.update(fact["notes"])
        for note, places in fact["first_notes"].items():
            first[note] += places
    return [
        f"{note}: {count:,} in all, first at {', '.join(first[note][:FIRST])}."
        for note, count in sorted(counts.items())
    ]
