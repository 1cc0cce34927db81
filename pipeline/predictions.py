"""The model's answers to a whole split."""

import keras
import numpy as np
import tensorflow as tf

from pipeline import data

BATCH = 256


class Forward:
    """The compiled forward pass of a model, over all replicas of a strategy."""

    def __init__(self, model: keras.Model, strategy: tf.distribute.Strategy) -> None:
        self.strategy = strategy
        parts = strategy.num_replicas_in_sync

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)], reduce_retracing=True)
        def forward(ids: tf.Tensor) -> tf.Tensor:
            def on_replica(ids: tf.Tensor) -> tf.Tensor:
                rows = tf.shape(ids)[0] // parts
                start = rows * replica_id()
                return model({"ids": ids[start : start + rows]}, training=False)

            return strategy.gather(strategy.run(on_replica, args=(ids,)), axis=0)

        self.forward = forward

    def logits(self, split: data.Split) -> np.ndarray:
        """(N, C) float32, in the split's order; computed in order of length, to save padding."""
        order = np.argsort(split.lengths, kind="stable")
        parts = self.strategy.num_replicas_in_sync
        answers = []
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            ids = data.batch(split, rows, parts)["ids"]
            answers.append(self.forward(tf.constant(ids)).numpy()[: len(rows)])
        logits = np.concatenate(answers)
        unsorted = np.empty_like(logits)
        unsorted[order] = logits
        return unsorted


def replica_id() -> tf.Tensor:
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def logits(model: keras.Model, split: data.Split) -> np.ndarray:
    """(N, C) float32 of the split on the default device."""
    return Forward(model, tf.distribute.get_strategy()).logits(split)
