"""The distinct words of a batch, each by its characters, and where they stand.

TensorFlow only, and not under XLA: how many words are distinct is known when the batch is.
`components.characters` holds the portable way; a test holds them equal.
"""

import tensorflow as tf

FILL = 261  # what words are filled up with


def distinct_words(ids, widest):
    """(..., W) character ids -> (U, at most W) ids of the distinct words, (...) places in them.

    The filling is cut to the longest word's end and `widest` more: no filter up to that width sees
    anything else behind, as all windows of nothing but filling are equal.
    """
    length = tf.shape(ids)[-1]
    rows = tf.reshape(ids, [-1, length])
    words, places = tf.raw_ops.UniqueV2(x=rows, axis=[0])
    ends = tf.where((words > 0) & (words != FILL), tf.range(1, length + 1), 0)
    end = tf.minimum(tf.reduce_max(ends) + widest, length)
    return words[:, :end], tf.reshape(places, tf.shape(ids)[:-1])
