"""Which tokens a masked language model is asked for, and what stands in their places.

All that is drawn for a row is a function of the row's key and tokens alone, whatever else is in the
batch; so masks that change with each epoch are the same in any batch, on any replica, after any
interruption.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from configs.tasks import Masking
from pipeline.text.continuing import continuing

HIDDEN, OTHER = 0.8, 0.1  # shares of the chosen that become [MASK], and another token
# Words in a span, 1 to 10: geometric, cut off and scaled to 1 again, so that the mean is 3.8.
LONGEST_SPAN, ENDS_SPAN = 10, 0.2
SPAN_LENGTHS = np.cumsum((1 - ENDS_SPAN) ** np.arange(LONGEST_SPAN))
SPAN_LENGTHS /= SPAN_LENGTHS[-1]
# What is drawn, each from numbers of its own.
ORDER, LAST, FATE, TOKEN, LENGTH = range(5)
GOLDEN = 0x9E3779B97F4A7C15


class Masked(NamedTuple):
    """`ids` (B, T) with masks, `places` (B, M) of these, `targets` (B, M) that were there.

    All are int32. M is the most that a row has; the others end with places and targets of 0.
    """

    ids: np.ndarray
    places: np.ndarray
    targets: np.ndarray


class Masker:
    """Chooses units of tokens (single ones, words, spans of words) and hides them.

    Args:
        settings: rate and unit.
        continues: (V,) bool, of each token id whether it goes on with the word before it.
        mask_id: of [MASK].
        fixed: ids that are neither chosen nor put in: padding and [CLS], [SEP].
        never: further ids that are not put in.
    """

    def __init__(
        self,
        settings: Masking,
        continues: np.ndarray,
        mask_id: int,
        fixed: Iterable[int],
        never: Iterable[int] = (),
    ) -> None:
        self.settings, self.continues, self.mask_id = settings, continues, mask_id
        self.free = np.ones(len(continues), bool)  # (V,), what may be chosen
        self.free[list(fixed)] = False
        ordinary = self.free.copy()
        ordinary[[mask_id, *never]] = False
        self.ordinary = np.flatnonzero(ordinary).astype(np.int32)

    def __call__(self, ids: np.ndarray, keys: np.ndarray) -> Masked:
        """Args: ids (B, T) int32, padded with a fixed id; keys (B,) uint64, see `keys`."""
        free = self.free[ids]
        units = self._units(ids, free, keys)
        chosen = self._chosen(units, free, keys)
        by_token = uniform(keys, FATE, ids.shape[1])
        # A span is hidden or exchanged as a whole, words piece by piece.
        fate = np.take_along_axis(by_token, units, 1) if self._spans else by_token
        drawn = uniform(keys, TOKEN, ids.shape[1])
        other = self.ordinary[(drawn * len(self.ordinary)).astype(np.intp)]
        shown = np.where(fate < HIDDEN, self.mask_id, np.where(fate < HIDDEN + OTHER, other, ids))
        return Masked(np.where(chosen, shown, ids).astype(np.int32), *_listed(chosen, ids))

    @property
    def _spans(self) -> bool:
        return self.settings.unit == "span"

    def _units(self, ids: np.ndarray, free: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """(B, T) which unit of its row each token belongs to; of fixed tokens without meaning."""
        before = np.pad(free[:, :-1], [(0, 0), (1, 0)])
        by_token = self.settings.unit == "token"
        first = free if by_token else free & ~(self.continues[ids] & before)
        if self._spans:
            first = first & (self._begins_span(first, keys) | ~before)
        return np.maximum(np.cumsum(first, axis=1) - 1, 0)

    def _begins_span(self, words: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """(B, T) where a span begins, of those that cover all words. Args: words, where they begin.

        No span has more words than may be hidden of the row.
        """
        number = words.sum(axis=1)
        most = np.maximum(1, (self.settings.rate * number).astype(int))
        drawn = uniform(keys, LENGTH, max(1, number.max(initial=0)))
        lengths = np.minimum(1 + np.searchsorted(SPAN_LENGTHS, drawn, "right"), most[:, None])
        ends = np.minimum(np.cumsum(lengths, axis=1), words.shape[1])
        begins = np.zeros((len(words), words.shape[1] + 1), bool)
        np.put_along_axis(begins, ends, True, 1)
        begins[:, 0] = True
        return np.take_along_axis(begins, np.maximum(np.cumsum(words, axis=1) - 1, 0), 1)

    def _chosen(self, units: np.ndarray, free: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """(B, T) which tokens are chosen: units in random order, as many as the rate allows.

        The unit that would go beyond the rate is chosen so often that the rate is met on average,
        whatever the length of a row. Rounding to whole tokens, at least one, would hide more of
        short rows.
        """
        rows, length = units.shape
        flat = (units + np.arange(rows)[:, None] * length)[free]
        sizes = np.bincount(flat, minlength=rows * length).reshape(rows, length)
        order = np.argsort(uniform(keys, ORDER, length) + (sizes == 0), axis=1)
        ordered = np.take_along_axis(sizes, order, 1)
        left = self.settings.rate * sizes.sum(axis=1)[:, None] - (ordered.cumsum(axis=1) - ordered)
        chance = np.clip(left / np.maximum(ordered, 1), 0.0, 1.0)  # all but one are 0 or 1
        taken = np.zeros((rows, length), bool)
        np.put_along_axis(taken, order, uniform(keys, LAST, 1) < chance, 1)
        return np.take_along_axis(taken, units, 1) & free


def masker(settings: Masking, tokenizer: Any) -> Masker:
    """Args: tokenizer, of `pipeline.text.tokenizers`."""
    return Masker(
        settings,
        continuing(tokenizer.settings.tokenizer, tokenizer.vocabulary),
        tokenizer.mask_id,
        (tokenizer.pad_id, tokenizer.start_id, tokenizer.end_id),
        (tokenizer.unknown_id,),
    )


def keys(seed: int, epoch: int, rows: np.ndarray) -> np.ndarray:
    """(N,) uint64 of the rows of an epoch."""
    base = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    return _mixed(base + GOLDEN * (rows.astype(np.uint64) + np.uint64(1)))


def uniform(keys: np.ndarray, what: int, number: int) -> np.ndarray:
    """(B, number) in [0, 1), from each key the first numbers of the sequence `what`.

    SplitMix64 (Steele et al. 2014, https://doi.org/10.1145/2660193.2660195), for a generator of
    NumPy's for each row would take longer than all that is done with its numbers.
    """
    start = _mixed(keys + np.uint64(GOLDEN * (what + 1) % 2**64))
    places = np.arange(1, number + 1, dtype=np.uint64)
    return (_mixed(start[:, None] + GOLDEN * places) >> np.uint64(11)) * 2.0**-53


def _mixed(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _listed(chosen: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B, M) int32 places, in order, and the tokens there."""
    rows, places = np.nonzero(chosen)
    counts = chosen.sum(axis=1)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    listed = np.zeros((2, len(ids), max(1, counts.max(initial=0))), np.int32)
    listed[:, rows, nth] = places, ids[rows, places]
    return listed[0], listed[1]
