"""Dropout from 16 random bits a number, for TensorFlow.

Its own dropout draws 32 bits a number, or in bfloat16 one of only 128 values. Two numbers share one
draw here, and the rate is right to 1 / 131072 in every precision. `components.dropouts` holds the
portable way; the masks are others, a test holds rates and scales equal.
"""

import tensorflow as tf


def dropped(x, rate, seed):
    """As `components.dropouts.dropped`, for a rate that is not 0; seed, two integers."""
    limit = round(rate * 2**16)
    number = tf.size(x)
    words = tf.random.stateless_uniform(
        [(number + 1) // 2], tf.cast(seed, tf.int64), None, None, tf.uint32
    )
    halves = tf.reshape(tf.bitcast(words, tf.uint16), [-1])
    kept = tf.reshape(tf.slice(halves, [0], [number]), tf.shape(x)) >= tf.cast(limit, tf.uint16)
    return x * (tf.cast(kept, x.dtype) * tf.cast(2**16 / (2**16 - limit), x.dtype))
