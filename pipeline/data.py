"""Prepared shards -> batches, in an order that is a pure function of (seed, epoch).

A split is read once into flat arrays (4 bytes a token), so that the shuffle is a true one over all
examples, the number of steps is known before the first, and a resumed run starts at any batch at
once. Each batch is the global one; `pipeline.training.train` cuts it by replica.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from configs.tasks import Task
from configs.training import Train
from pipeline import artifacts
from pipeline.errors import JobError

PARSE = 4096  # examples parsed at a time
POOL = 50  # batches' worth of shuffled examples that are sorted by length together


@dataclass(frozen=True)
class Split:
    """Token ids of all examples end to end, (tokens,) int32; example i is offsets[i]:offsets[i+1].

    `labels`: (N,) int64 for classify, (N, C) float32 of 0 and 1 for multilabel, (N,) float32 for
    regress. `texts` and `columns` are as they came, before cleaning.
    """

    tokens: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    texts: list[str]
    columns: dict[str, list[str]]
    weights: np.ndarray  # (N,) float32, of each example in the loss

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)


def load(prepared: Path, name: str, task: Task, num_labels: int, columns=()) -> Split:
    """Read one split of a prepared directory.

    Raises:
        JobError: the prepared data has no such split.
    """
    import tensorflow as tf

    splits = artifacts.manifest(prepared)["splits"]
    if name not in splits:
        raise JobError(
            f"{prepared} has no split {name!r}, only {', '.join(splits)}: set data.{name}"
        )
    number = tf.float32 if task.kind == "regress" else tf.int64
    names = [f"column/{column}" for column in columns]
    features = {
        "ids": tf.io.RaggedFeature(tf.int64),
        "label": tf.io.RaggedFeature(number),
        "text": tf.io.FixedLenFeature([], tf.string),
        **{name: tf.io.FixedLenFeature([], tf.string) for name in names},
    }
    shards = [str(prepared / shard) for shard in splits[name]["shards"]]
    batches = tf.data.TFRecordDataset(shards).batch(PARSE)
    batches = batches.map(lambda x: tf.io.parse_example(x, features), tf.data.AUTOTUNE)
    tokens, lengths, labels, texts = [], [], [], []
    kept: dict[str, list[str]] = {column: [] for column in columns}
    for batch in batches:
        tokens.append(batch["ids"].values.numpy().astype(np.int32))
        lengths.append(batch["ids"].row_lengths().numpy())
        labels.append(_labels(batch["label"], task, num_labels))
        texts += _decoded(batch["text"])
        for column in columns:
            kept[column] += _decoded(batch[f"column/{column}"])
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    ones = np.ones(len(texts), np.float32)
    return Split(np.concatenate(tokens), offsets, np.concatenate(labels), texts, kept, ones)


def weighted(split: Split, class_weights: np.ndarray | None) -> Split:
    """The split with each example weighted by its class in the loss."""
    if class_weights is None:
        return split
    return replace(split, weights=class_weights[split.labels])


def _labels(ragged: Any, task: Task, num_labels: int) -> np.ndarray:
    if task.kind != "multilabel":
        return ragged.values.numpy()
    rows = ragged.value_rowids().numpy()
    hot = np.zeros((int(ragged.nrows()), num_labels), np.float32)
    hot[rows, ragged.values.numpy()] = 1.0
    return hot


def _decoded(strings: Any) -> list[str]:
    return [value.decode("utf-8", "replace") for value in strings.numpy()]


def plan(lengths: np.ndarray, settings: Train, seed: int, epoch: int) -> list[np.ndarray]:
    """The rows of each batch of an epoch.

    Examples are shuffled; with `sort_by_length` each pool of them is sorted (equal lengths stay
    shuffled), cut into batches, and the batches are shuffled again.
    """
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


def batch(split: Split, rows: np.ndarray, parts: int, fixed: tuple[int, int] = (1, 1)) -> dict:
    """One padded batch.

    Args:
        rows: which examples.
        parts: the number of rows is filled up to a multiple of it with rows of weight 0.
        fixed: what rows and length are rounded up to multiples of, for compilers that want few
            shapes.

    Returns:
        "ids" (B, T) int32 padded with 0, "label" as in the split, "weight" (B,) float32.
    """
    row_step, length_step = fixed
    lengths = split.lengths[rows]
    num_rows = _round_up(len(rows), np.lcm(parts, row_step))
    length = _round_up(max(int(lengths.max(initial=0)), 1), length_step)
    ids = np.zeros((num_rows, length), np.int32)
    for position, row in enumerate(rows):
        ids[position, : lengths[position]] = split.tokens[
            split.offsets[row] : split.offsets[row + 1]
        ]
    label = np.zeros((num_rows, *split.labels.shape[1:]), split.labels.dtype)
    label[: len(rows)] = split.labels[rows]
    weight = np.zeros(num_rows, np.float32)
    weight[: len(rows)] = split.weights[rows]
    return {"ids": ids, "label": label, "weight": weight}


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step


def prefetched(batches: Iterator[dict], signature: dict) -> Iterator[dict]:
    """The same batches as tensors, made on a thread of tf.data's while the model computes."""
    import tensorflow as tf

    dataset = tf.data.Dataset.from_generator(lambda: batches, output_signature=signature)
    return iter(dataset.prefetch(4))


def signature(split: Split) -> dict:
    """What `batch` makes, with rows and length left open: no new shape means a new trace."""
    import tensorflow as tf

    return {
        "ids": tf.TensorSpec([None, None], tf.int32),
        "label": tf.TensorSpec([None, *split.labels.shape[1:]], split.labels.dtype),
        "weight": tf.TensorSpec([None], tf.float32),
    }
