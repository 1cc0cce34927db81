"""A trained gpt is asked for what comes next, without reading again what it has read."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

State = dict[str, Any]


class CachedReader:
    """What `pipeline.generation.Generator` and the SavedModel ask: keys and values are the state.

    Rows may hold different numbers of tokens. A row that would be longer than the context goes on
    from the last half of it, which is read again from the first position on; where one is, all are
    read again, to the same numbers.

    Args: model, of kind gpt; never, ids that get no probability.
    """

    def __init__(self, model: keras.Model, never: set[int]) -> None:
        names = ("embeddings", "encoder", "softmax")
        self.embeddings, self.encoder, self.softmax = (model.get_layer(name) for name in names)
        self.context: int = self.embeddings.max_length
        barred = np.zeros(self.embeddings.vocabulary_size, np.float32)
        barred[list(never)] = -np.inf
        self.barred = barred

    def start(self, rows: int | tf.Tensor) -> State:
        """The state before any token: `ids` (B, context) and the `number` (B,) of a row's that have
        been read, and the `cache` of what was made of them.
        """
        return {
            "ids": tf.zeros([rows, self.context], tf.int32),
            "number": tf.zeros([rows], tf.int32),
            "cache": self.encoder.empty_cache(rows, self.context),
        }

    def read(
        self, ids: tf.Tensor, state: State, lengths: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, State]:
        """The tokens that come next, (B, T) -> (B, V) log probabilities of the one after, state.

        Args: lengths, (B,), how many of a row's are no padding, all if None; of a row that has and
            gets none, the answer means nothing.
        """
        if lengths is None:
            lengths = tf.fill([tf.shape(ids)[0]], tf.shape(ids)[1])
        remembered, number = self.remembered(ids, lengths, state)

        def going_on() -> tuple[tf.Tensor, Any]:
            return self.extended(ids, state["number"], lengths, state["cache"])

        def again() -> tuple[tf.Tensor, Any]:
            whole = remembered[:, : tf.reduce_max(number)]
            return self.extended(whole, tf.zeros_like(number), number, state["cache"])

        full = tf.reduce_any(state["number"] + lengths > self.context)
        last, cache = tf.cond(full, again, going_on)
        table = tf.convert_to_tensor(self.embeddings.table) if self.softmax.tied else None
        scores = self.softmax.log_probabilities(last[:, None], table)[:, 0] + self.barred
        return scores, {"ids": remembered, "number": number, "cache": cache}

    def remembered(
        self, ids: tf.Tensor, lengths: tf.Tensor, state: State
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """A row's tokens, the new ones behind them, or the last of these: (B, context), (B,)."""
        before = state["number"]
        total = before + lengths
        number = tf.where(total > self.context, self.context // 2, total)
        place = (total - number)[:, None] + tf.range(self.context)
        new = place - before[:, None]
        found = tf.where(
            new < 0,
            tf.gather(state["ids"], tf.minimum(place, self.context - 1), batch_dims=1),
            tf.gather(ids, tf.clip_by_value(new, 0, tf.shape(ids)[1] - 1), batch_dims=1),
        )
        return tf.where(tf.range(self.context) < number[:, None], found, 0), number

    def extended(
        self, ids: tf.Tensor, start: tf.Tensor, lengths: tf.Tensor, cache: Any
    ) -> tuple[tf.Tensor, Any]:
        """(B, T) tokens behind `start` (B,) others -> (B, D) of the last of each row, the cache."""
        positions = start[:, None] + tf.range(tf.shape(ids)[1])
        # Those of padding may lie beyond the table.
        positions = tf.minimum(positions, self.context - 1)
        hidden = self.embeddings(ids, positions=positions, training=False)
        hidden, cache = self.encoder.extend(hidden, cache, start)
        return tf.gather(hidden, tf.maximum(lengths - 1, 0), batch_dims=1), cache
