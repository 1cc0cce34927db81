"""Examples -> batches, in an order that is a pure function of (seed, epoch).

Each batch is the global one; the training step cuts it by replica.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from configs.training import BatchRamp, Train
from pipeline.data import NO_TAG, Sequences, Split
from pipeline.prepare.parsing import untuned

POOL = 50  # batches' worth of shuffled examples that are sorted by length together


class Batch(NamedTuple):
    """`rows`: which examples; `tokens`: how many of the places in `tensors` are not padding."""

    rows: np.ndarray
    tokens: int
    tensors: dict


@dataclass(frozen=True)
class Batches:
    """The batches of a split, epoch by epoch.

    Args: make, (an epoch, (N,) rows of the split) -> their batch; signature, of what it makes.
    """

    split: Split
    settings: Train
    seed: int
    make: Callable[[int, np.ndarray], dict]
    signature: dict

    @cached_property
    def plans(self) -> list[list[np.ndarray]]:
        epochs = range(self.settings.epochs)
        return [plan(self.split.lengths, self.settings, self.seed, epoch) for epoch in epochs]

    @property
    def steps(self) -> list[int]:
        """How many there are in each epoch."""
        return [len(plan) for plan in self.plans]

    def epoch(self, epoch: int, position: int) -> Iterator[Batch]:
        """Those of an epoch from the one at `position` on."""
        rows_left = self.plans[epoch][position:]
        made = (self.make(epoch, rows) for rows in rows_left)
        for rows, tensors in zip(rows_left, prefetched(made, self.signature), strict=True):
            yield Batch(rows, int(self.split.lengths[rows].sum()), tensors)


def plan(lengths: np.ndarray, settings: Train, seed: int, epoch: int) -> list[np.ndarray]:
    """The rows of each batch of an epoch.

    Examples are shuffled; with `sort_by_length` each pool of them is sorted (equal lengths stay
    shuffled), cut into batches, and the batches are shuffled again.
    """
    batches = _full(lengths, settings, seed, epoch)
    return _ramped(batches, settings.batch_ramp, epoch / settings.epochs, 1 / settings.epochs)


def _full(lengths: np.ndarray, settings: Train, seed: int, epoch: int) -> list[np.ndarray]:
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths))
    if not settings.sort_by_length:
        return _cut(order, lengths, settings)
    size = settings.batch_size or max(
        1, (settings.batch_tokens or 1) // max(1, int(lengths.mean()))
    )
    pools = [order[start : start + POOL * size] for start in range(0, len(order), POOL * size)]
    batches = [
        batch
        for pool in pools
        for batch in _cut(pool[np.argsort(lengths[pool], kind="stable")], lengths, settings)
    ]
    return [batches[i] for i in random.permutation(len(batches))]


def _cut(rows: np.ndarray, lengths: np.ndarray, settings: Train) -> list[np.ndarray]:
    """Cut rows into batches of `batch_size`, or of at most `batch_tokens` with their padding."""
    if settings.batch_size:
        return [rows[i : i + settings.batch_size] for i in range(0, len(rows), settings.batch_size)]
    budget = settings.batch_tokens or 0  # the schema sets one of the two
    batches, start, longest = [], 0, 0
    for end, row in enumerate(rows):
        longest = max(longest, int(lengths[row]), 1)
        if end > start and (end - start + 1) * longest > budget:
            batches.append(rows[start:end])
            start, longest = end, max(int(lengths[row]), 1)
    return [*batches, rows[start:]]


def _ramped(
    batches: list[np.ndarray], ramp: BatchRamp | None, begun: float, all_of_them: float
) -> list[np.ndarray]:
    """Cut batches into equal parts where the run is not as far as full ones yet.

    Args: begun, the share of the run before these batches; all_of_them, their own.
    """
    if ramp is None:
        return batches
    found: list[np.ndarray] = []
    for number, rows in enumerate(batches):
        done = (begun + all_of_them * number / len(batches)) / ramp.over
        share = min(1.0, ramp.start + (1.0 - ramp.start) * done)
        found += np.array_split(rows, min(len(rows), round(1.0 / share)))
    return found


def batch(split: Split, rows: np.ndarray, parts: int, fixed: tuple[int, int] = (1, 1)) -> dict:
    """One padded batch.

    Args:
        rows: which examples.
        parts: the number of rows is filled up to a multiple of it with rows of weight 0.
        fixed: what rows and length are rounded up to multiples of, for compilers that want few
            shapes.

    Returns:
        The split's inputs, (B, T) int32 padded with 0 and each as long as its longest; "label" as
        in the split, tags (B, T) padded with NO_TAG; "weight" (B,) float32, times the number of
        words where these are what is to be labelled.
    """
    row_step, length_step = fixed
    num_rows = round_up(len(rows), int(np.lcm(parts, row_step)))

    def padded(sequences: Sequences, padding: int = 0) -> np.ndarray:
        longest = max(int(sequences.lengths[rows].max(initial=0)), 1)
        return sequences.padded(rows, num_rows, round_up(longest, length_step), padding)

    weight = np.zeros(num_rows, np.float32)
    weight[: len(rows)] = split.weights[rows]
    if isinstance(split.labels, Sequences):
        label = padded(split.labels, NO_TAG)
        weight[: len(rows)] *= split.labels.lengths[rows]
    else:
        label = np.zeros((num_rows, *split.labels.shape[1:]), split.labels.dtype)
        label[: len(rows)] = split.labels[rows]
    inputs = {name: padded(sequences) for name, sequences in split.inputs.items()}
    return {**inputs, "label": label, "weight": weight}


def round_up(number: int, step: int) -> int:
    return -(-number // step) * step


def prefetched(batches: Iterator[dict], signature: dict) -> Iterator[dict]:
    """The same batches as tensors, made on a thread of tf.data's while the model computes."""
    import tensorflow as tf

    dataset = tf.data.Dataset.from_generator(lambda: batches, output_signature=signature)
    return iter(untuned(dataset.prefetch(4)))


def signature(split: Split) -> dict:
    """What `batch` makes, with rows and length left open: no new shape means a new trace."""
    import tensorflow as tf

    found = specs(split.inputs)
    if isinstance(split.labels, Sequences):
        found |= specs({"label": split.labels})
    else:
        found["label"] = tf.TensorSpec([None, *split.labels.shape[1:]], split.labels.dtype)
    return {**found, "weight": tf.TensorSpec([None], tf.float32)}


def specs(sequences: dict[str, Sequences]) -> dict:
    """Of what `Sequences.padded` makes."""
    import tensorflow as tf

    found = {}
    for name, some in sequences.items():
        values = some.values if some.table is None else some.table
        found[name] = tf.TensorSpec([None, None, *values.shape[1:]], values.dtype)
    return found
