"""What the data report says of a split, in numbers that add up over files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from pipeline.prepare.labels import Labels

LONGEST = 1 << 20  # longer texts count as this long in the distribution
COUNTERS = ("lengths", "second_lengths", "labels")


class Counts(NamedTuple):
    """(B,) arrays of tokens in B texts: before and after the cut, and of these the unknown ones."""

    lengths: np.ndarray
    kept: np.ndarray
    unknown: np.ndarray

    def of(self, rows: np.ndarray) -> "Counts":
        return Counts(self.lengths[rows], self.kept[rows], self.unknown[rows])


@dataclass
class Statistics:
    """Counts over examples; `lengths` are in tokens before the cut to `text.max_length`.

    Of pairs, `lengths` are the first texts' and `second_lengths` the others'; an example is
    truncated or empty if one of its texts is. `labels` counts the examples of each label id, for
    tag the words, or for regress the examples of each bin; ids beyond the known ones are of labels
    that training lacks.
    """

    examples: int = 0
    tokens: int = 0  # kept, after the cut
    unknown: int = 0  # of those
    truncated: int = 0  # examples
    empty: int = 0  # examples without any token
    unseen: int = 0  # examples with a label that training lacks
    lengths: Counter[int] = field(default_factory=Counter)
    second_lengths: Counter[int] = field(default_factory=Counter)
    labels: Counter[int] = field(default_factory=Counter)

    def add(
        self,
        counts: Sequence[Counts],
        labels: Sequence[Sequence[int] | float],
        known: Labels,
    ) -> None:
        """Count a batch of examples, from the counts of its one or two texts."""
        edges, number = known.edges, len(known.names)
        self.examples += len(labels)
        self.tokens += sum(int(text.kept.sum()) for text in counts)
        self.unknown += sum(int(text.unknown.sum()) for text in counts)
        self.truncated += int(np.any([text.lengths > text.kept for text in counts], axis=0).sum())
        self.empty += int(np.any([text.lengths == 0 for text in counts], axis=0).sum())
        for counter, text in zip((self.lengths, self.second_lengths), counts, strict=False):
            values, numbers = np.unique(np.minimum(text.lengths, LONGEST), return_counts=True)
            counter.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
        for label in labels:
            if isinstance(label, float):
                place = int(np.searchsorted(edges, label, "right"))
                self.labels[min(place, len(edges) - 1) - 1] += 1
            else:
                self.labels.update(label)
                self.unseen += max(label, default=-1) >= number

    def facts(self) -> dict[str, Any]:
        facts = dict(vars(self))
        for name in COUNTERS:  # JSON has only strings for keys
            facts[name] = sorted(facts[name].items())
        return facts

    @classmethod
    def total(cls, parts: Sequence[dict[str, Any]]) -> "Statistics":
        whole = cls()
        for part in parts:
            for name in ("examples", "tokens", "unknown", "truncated", "empty", "unseen"):
                setattr(whole, name, getattr(whole, name) + part[name])
            for name in COUNTERS:
                getattr(whole, name).update(dict(part[name]))
        return whole


def distribution(counts: Counter[int]) -> dict[str, Any]:
    lengths = np.array(sorted(counts.items()))  # (lengths, 2): length, texts
    return {
        "mean": float(lengths[:, 0] @ lengths[:, 1]) / counts.total(),
        **{f"p{share}": _quantile(lengths, share / 100) for share in (5, 50, 95, 99)},
        "longest": int(lengths[-1, 0]),
    }


def _quantile(counted: np.ndarray, share: float) -> int:
    """The smallest value that at least this share of the counted values does not exceed."""
    return int(counted[np.searchsorted(np.cumsum(counted[:, 1]), share * counted[:, 1].sum()), 0])
