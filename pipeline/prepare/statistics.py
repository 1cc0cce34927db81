"""What the data report says of a split, in numbers that add up over files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

LONGEST = 1 << 16  # longer texts count as this long in the distribution


@dataclass
class Statistics:
    """Counts over examples; `lengths` are in tokens before the cut to `text.max_length`.

    `labels` counts the examples of each label id, or for regress those of each bin.
    """

    examples: int = 0
    tokens: int = 0  # kept, after the cut
    unknown: int = 0  # of those
    truncated: int = 0  # examples
    empty: int = 0  # examples without any token
    lengths: Counter[int] = field(default_factory=Counter)
    labels: Counter[int] = field(default_factory=Counter)

    def add(
        self,
        lengths: np.ndarray,
        kept: np.ndarray,
        unknown: np.ndarray,
        labels: Sequence[Sequence[int] | float],
        edges: Sequence[float],
    ) -> None:
        """Count a batch: arrays (B,) of tokens before and after the cut, and of unknown ones."""
        self.examples += len(lengths)
        self.tokens += int(kept.sum())
        self.unknown += int(unknown.sum())
        self.truncated += int((lengths > kept).sum())
        self.empty += int((lengths == 0).sum())
        values, counts = np.unique(np.minimum(lengths, LONGEST), return_counts=True)
        self.lengths.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        for label in labels:
            if isinstance(label, float):
                place = int(np.searchsorted(edges, label, "right"))
                self.labels[min(place, len(edges) - 1) - 1] += 1
            else:
                self.labels.update(label)

    def facts(self) -> dict[str, Any]:
        facts = dict(vars(self))
        for name in ("lengths", "labels"):  # JSON has only strings for keys
            facts[name] = sorted(facts[name].items())
        return facts

    @classmethod
    def total(cls, parts: Sequence[dict[str, Any]]) -> "Statistics":
        whole = cls()
        for part in parts:
            for name in ("examples", "tokens", "unknown", "truncated", "empty"):
                setattr(whole, name, getattr(whole, name) + part[name])
            whole.lengths.update(dict(part["lengths"]))
            whole.labels.update(dict(part["labels"]))
        return whole
