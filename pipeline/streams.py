"""Documents -> windows of running text for a language model, row by row.

Each row of a batch is a text that runs on from one batch to the next, so that a recurrent state can
be carried from window to window.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from configs.tasks import LanguageModel
from configs.training import Train
from pipeline.batching import Batch, prefetched, specs
from pipeline.data import Split

# Of windows that vary: the share that is drawn around the whole length, the others around its half,
# the standard deviation of all, and the least tokens.
WHOLE, DEVIATION, SHORTEST = 0.95, 5, 5


@dataclass(frozen=True)
class Stream:
    """N words to predict, end to end.

    `sources` and `targets` (N,) are places in the split's flat arrays: of the word that is read and
    of the one that follows it. `fresh` (N,) is true where the state before must be forgotten.
    """

    sources: np.ndarray
    targets: np.ndarray
    fresh: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)


def stream(split: Split, order: Sequence[int], task: LanguageModel, backward: bool) -> Stream:
    """The documents `order` of a split, from their ends if `backward`.

    A document is [CLS] w1 ... wn [SEP]. Where the state ends with it, w1 follows [CLS] and [SEP]
    follows wn; backward, wn follows [SEP] and [CLS] follows w1. Where it runs on, w1 follows the
    [SEP] of the document before; backward, the last document comes first, and the [SEP] of the one
    before follows w1. There is always one before: the first follows the last.
    """
    offsets = split.ids.offsets
    spans = [(int(offsets[row]), int(offsets[row + 1])) for row in order]
    if task.carry == "document":
        sources = [
            np.arange(end - 1, start, -1) if backward else np.arange(start, end - 1)
            for start, end in spans
        ]
        fresh = np.zeros(sum(map(len, sources)), bool)
        fresh[np.cumsum([0, *map(len, sources[:-1])])] = True
        flat = np.concatenate(sources).astype(np.int32)
        return Stream(flat, flat - 1 if backward else flat + 1, fresh)
    targets = np.concatenate([np.arange(start + 1, end) for start, end in spans]).astype(np.int32)
    before = np.concatenate([[spans[-1][1] - 1], targets[:-1]]).astype(np.int32)
    fresh = np.zeros(len(targets), bool)
    return (
        Stream(targets[::-1], before[::-1], fresh) if backward else Stream(before, targets, fresh)
    )


def window(split: Split, rows: Sequence[Stream], start: int, length: int, prefix: str = "") -> dict:
    """The words start:start + length of each row, padded with 0: inputs, targets and fresh.

    Returns:
        The split's inputs, "targets" (B, T) int32 and "fresh" (B, T) bool, after the prefix.
    """
    shown: dict[str, Any] = {
        name: np.zeros((len(rows), length), np.int32) for name in (*split.inputs, "targets")
    }
    shown["fresh"] = np.zeros((len(rows), length), bool)
    for place, row in enumerate(rows):
        part = slice(start, min(start + length, len(row)))
        number = max(0, part.stop - part.start)
        shown["fresh"][place, :number] = row.fresh[part]
        shown["targets"][place, :number] = split.ids.values[row.targets[part]]
        for name, sequences in split.inputs.items():
            shown[name][place, :number] = sequences.values[row.sources[part]]
    for name, sequences in split.inputs.items():
        if sequences.table is not None:
            shown[name] = sequences.table[shown[name]]
    return {prefix + name: value for name, value in shown.items()}


def in_directions(
    both: bool, make: Callable[[bool], list[Stream]], backward: bool = False
) -> dict[str, list[Stream]]:
    """By the prefix of its inputs, what `make` makes for each direction; it is told if backward.

    Args: backward, whether the only direction is.
    """
    return {"": make(False), "second_": make(True)} if both else {"": make(backward)}


def windows(split: Split, directions: dict[str, list[Stream]], start: int, length: int) -> dict:
    """`window` of every direction."""
    shown: dict[str, Any] = {}
    for prefix, rows in directions.items():
        shown |= window(split, rows, start, length, prefix)
    return shown


def signature(split: Split, both: bool) -> dict:
    """Of the batches of `Streams`."""
    import tensorflow as tf

    found = specs(split.inputs)
    found |= {"targets": found["ids"], "fresh": tf.TensorSpec([None, None], tf.bool)}
    if both:
        found |= {f"second_{name}": spec for name, spec in found.items()}
    return {**found, "weight": tf.TensorSpec([None], tf.float32)}


def varied(length: int, window: int, random: np.random.Generator) -> np.ndarray:
    """The edges of windows of random lengths that together are `length` long.

    Merity et al. 2017, https://arxiv.org/abs/1708.02182, section 5; lengths are rounded and bounded
    as in its code, https://github.com/salesforce/awd-lstm-lm, `main.py`.
    """
    number = length // SHORTEST + 1  # as many as there can be
    base = np.where(random.random(number) < WHOLE, window, window / 2)
    lengths = np.maximum(SHORTEST, random.normal(base, DEVIATION).astype(int))
    ends = np.cumsum(lengths)
    return np.concatenate([[0], ends[ends < length], [length]])


@dataclass(frozen=True)
class Streams:
    """The batches of a language model in training, as `pipeline.batching.Batches` of the others.

    An epoch's documents are shuffled, or left in their order where states run on over them, and
    laid end to end; the whole is cut into as many rows of equal length as the batch has, and each
    step takes a window of every row.

    Args: both, whether to show each row turned round too, in inputs after `second_`; backward,
        whether to show it turned round alone.
    """

    split: Split
    settings: Train
    seed: int
    task: LanguageModel
    both: bool
    backward: bool = False

    @property
    def rows(self) -> int:
        return self.settings.batch_size or 1

    @cached_property
    def length(self) -> int:
        """Words in each row; found once, for it takes a walk through all documents."""
        start = stream(self.split, range(len(self.split)), self.task, False)
        return -(-len(start) // self.rows)

    @cached_property
    def edges(self) -> list[np.ndarray]:
        """Where the windows of each epoch begin, and last where the last one ends."""
        window, epochs = self.settings.window, range(self.settings.epochs)
        if not self.settings.vary_window:
            return [np.append(np.arange(0, self.length, window), self.length)] * len(epochs)
        randoms = (np.random.default_rng((self.seed, epoch, 1)) for epoch in epochs)
        return [varied(self.length, window, random) for random in randoms]

    @cached_property
    def steps(self) -> list[int]:
        return [len(edges) - 1 for edges in self.edges]

    @property
    def signature(self) -> dict:
        return signature(self.split, self.both)

    def epoch(self, epoch: int, position: int) -> Iterator[Batch]:
        """The windows of an epoch from the one at `position` on."""
        order = list(range(len(self.split)))
        if self.task.carry == "document":
            order = np.random.default_rng((self.seed, epoch)).permutation(order).tolist()
        directions = in_directions(
            self.both,
            lambda backward: self.cut(stream(self.split, order, self.task, backward)),
            self.backward,
        )
        left = list(pairwise(self.edges[epoch][position:].tolist()))

        def made() -> Iterator[dict]:
            for start, end in left:
                tensors = windows(self.split, directions, start, end - start)
                weight = (tensors["targets"] != 0).sum(axis=1).astype(np.float32)
                yield {**tensors, "weight": weight}

        made_ahead = prefetched(made(), self.signature)
        for (start, end), tensors in zip(left, made_ahead, strict=True):
            shown = np.concatenate([row.sources[start:end] for row in directions[""]])
            documents = np.unique(np.searchsorted(self.split.ids.offsets, shown, "right") - 1)
            yield Batch(documents, int(tensors["weight"].numpy().sum()), tensors)

    def cut(self, whole: Stream) -> list[Stream]:
        """Rows of equal length; the last ones may be shorter."""
        starts = [row * self.length for row in range(self.rows)]
        parts = [slice(start, start + self.length) for start in starts]
        return [Stream(whole.sources[p], whole.targets[p], whole.fresh[p]) for p in parts]
