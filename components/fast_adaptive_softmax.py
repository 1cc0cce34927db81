"""A cluster of an adaptive softmax that looks only at the places whose token it holds.

TensorFlow only, and not under XLA: how many these are is known when the batch is.
`components.adaptive_softmax` holds the portable way; a test holds them equal.
"""

import tensorflow as tf

from components.full_softmax import cross_entropy


def in_cluster(scores, hidden, tokens, members):
    """As `components.adaptive_softmax.in_cluster`."""
    places = tf.where(members)  # (N, 2)
    losses = cross_entropy(tf.gather_nd(tokens, places), scores(tf.gather_nd(hidden, places)))
    return tf.scatter_nd(places, losses, tf.shape(members, tf.int64))
