"""Sums over all replicas of a `tf.distribute` strategy, for TensorFlow.

Elsewhere a layer sees the whole batch, and there is nothing to add.
"""

import tensorflow as tf


def summed(x):
    """The sum of what the replicas hold, on each of them; its gradient is summed likewise.

    Raises:
        RuntimeError: there are several replicas, and the caller is traced as a `tf.function` of
            its own within the one that the strategy runs.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return x
    return context.all_reduce("SUM", x)
