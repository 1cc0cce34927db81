"""The model's answers to a whole split."""

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from pipeline import batching, data
from pipeline.tasks import Decode

BATCH = 256
PAIRS = 2**24  # of tokens that may look at each other, in a batch of a model where all do
See = Callable[[dict, dict], None]


def _nothing(outputs: dict, batch: dict) -> None:
    pass


class Forward:
    """The compiled forward pass of a model, over all replicas of a strategy.

    Args: signature, of the batches.
    """

    def __init__(
        self, model: keras.Model, strategy: tf.distribute.Strategy, signature: dict
    ) -> None:
        self.strategy, self.names = strategy, list(model.input)
        parts = strategy.num_replicas_in_sync

        @tf.function(
            input_signature=[{name: signature[name] for name in self.names}], reduce_retracing=True
        )
        def forward(inputs: dict) -> dict:
            def on_replica(inputs: dict) -> dict:
                rows = tf.shape(inputs["ids"])[0] // parts
                start = rows * replica_id()
                own = {name: x[start : start + rows] for name, x in inputs.items()}
                outputs = model(own, training=False)
                # Of training alone; what is not asked for is not computed.
                return {name: x for name, x in outputs.items() if name != "penalty"}

            outputs = strategy.run(on_replica, args=(inputs,))
            return {name: strategy.gather(x, axis=0) for name, x in outputs.items()}

        self.forward = forward

    def batches(self, split: data.Split) -> Iterator[tuple[np.ndarray, dict, dict]]:
        """Rows, what the model was shown and what it answered, in order of length, to save padding.

        There may be more rows in a batch than were asked for: the last ones of weight 0.
        """
        order = np.argsort(split.lengths, kind="stable")
        parts = self.strategy.num_replicas_in_sync
        most = PAIRS if "types" in self.names else None
        for rows in cut(order, split.lengths, most):
            batch = batching.batch(split, rows, parts)
            shown = {name: tf.constant(batch[name]) for name in self.names}
            yield rows, batch, self.forward(shown)

    def logits(self, split: data.Split, see: See = _nothing) -> np.ndarray:
        """(N, C) float32, in the split's order. Args: see, is shown each batch and its outputs."""
        logits = np.empty(0)
        for rows, batch, outputs in self.batches(split):
            see(outputs, batch)
            found = outputs["logits"].numpy()
            logits = logits if len(logits) else np.empty((len(split), found.shape[1]), found.dtype)
            logits[rows] = found[: len(rows)]
        return logits

    def tags(
        self, split: data.Split, decode: Decode, see: See = _nothing
    ) -> tuple[data.Sequences, data.Sequences]:
        """The best tag of each word, int32, and its probability, float32, in the split's order."""
        tags, chances = [np.empty(0)] * len(split), [np.empty(0)] * len(split)
        for rows, batch, outputs in self.batches(split):
            see(outputs, batch)
            found = decode(outputs, tf.constant(batch["label"] != data.NO_TAG))
            for many, some in zip((tags, chances), found, strict=True):
                for row, answer in zip(rows, some.numpy(), strict=False):
                    many[row] = answer[: split.labels.lengths[row]]
        offsets = split.labels.offsets
        return (
            data.Sequences(np.concatenate(tags), offsets),
            data.Sequences(np.concatenate(chances), offsets),
        )


def cut(order: np.ndarray, lengths: np.ndarray, most: int | None) -> Iterator[np.ndarray]:
    """The rows `order`, BATCH at a time, of long texts fewer.

    Args: lengths, (N,) of all, which in this order grow; most, how many pairs of tokens a batch
        may have at most, None for any number.
    """
    while len(order):
        rows = order[:BATCH]
        if most is not None:
            fitting = np.arange(1, len(rows) + 1) * lengths[rows].astype(np.int64) ** 2 <= most
            rows = rows[: max(1, int(fitting.sum()))]
        yield rows
        order = order[len(rows) :]


def replica_id() -> tf.Tensor:
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def logits(model: keras.Model, split: data.Split) -> np.ndarray:
    """(N, C) float32 of the split on the default device."""
    strategy = tf.distribute.get_strategy()
    return Forward(model, strategy, batching.signature(split)).logits(split)


def tags(
    model: keras.Model, split: data.Split, decode: Decode
) -> tuple[data.Sequences, data.Sequences]:
    """The best tag of each word and its probability, on the default device."""
    strategy = tf.distribute.get_strategy()
    return Forward(model, strategy, batching.signature(split)).tags(split, decode)
