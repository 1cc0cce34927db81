"""What the data report says of the examples of a masked language model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.masking import Masked, Masker

NUMBERS = ("examples", "tokens", "other", "free", "masked", "hidden", "exchanged")


@dataclass
class PretrainingStatistics:
    """Counts over examples. The last four are of static masks, and 0 where masks change."""

    examples: int = 0
    tokens: int = 0  # with [CLS] and [SEP]
    other: int = 0  # examples whose second text does not follow the first
    lengths: Counter[int] = field(default_factory=Counter)  # of whole examples
    free: int = 0  # tokens that may be masked
    masked: int = 0  # and are; of these
    hidden: int = 0  # by [MASK]
    exchanged: int = 0  # for another token

    def add(self, lengths: np.ndarray, labels: np.ndarray) -> None:
        """Args: lengths (B,) of examples; labels (B,), 1 where the second text does not follow."""
        self.examples += len(lengths)
        self.tokens += int(lengths.sum())
        self.other += int(labels.sum())
        self.lengths.update(lengths.tolist())

    def add_masks(self, ids: np.ndarray, masked: Masked, masker: Masker) -> None:
        """Args: ids (B, T), the tokens before they were masked."""
        rows, nth = np.nonzero(masked.places)
        there, now = masked.targets[rows, nth], masked.ids[rows, masked.places[rows, nth]]
        self.free += int(masker.free[ids].sum())
        self.masked += len(rows)
        self.hidden += int((now == masker.mask_id).sum())
        self.exchanged += int(((now != masker.mask_id) & (now != there)).sum())

    def facts(self) -> dict[str, Any]:
        return {**vars(self), "lengths": sorted(self.lengths.items())}

    @classmethod
    def total(cls, parts: Sequence[dict[str, Any]]) -> "PretrainingStatistics":
        whole = cls()
        for part in parts:
            for name in NUMBERS:
                setattr(whole, name, getattr(whole, name) + part[name])
            whole.lengths.update(dict(part["lengths"]))
        return whole
