"""What a prediction costs, with its derivative written out, for TensorFlow.

Its own operation goes over the scores of a whole vocabulary several times, with slow exponentials;
its softmax is one fast kernel, and the derivative is little more than a softmax.
`components.full_softmax` holds the portable way; a test holds them equal.
"""

import tensorflow as tf


@tf.custom_gradient
def cross_entropy(targets, scores):
    """As `components.full_softmax.cross_entropy`."""
    rows = tf.reshape(scores, [-1, scores.shape[-1]])
    columns = tf.reshape(tf.cast(targets, tf.int32), [-1])
    places = tf.stack([tf.range(tf.size(columns)), columns], axis=1)
    probabilities = tf.nn.softmax(rows)
    # log p(w) = score(w) - log of the sum; this of the likeliest w, whose p is never 0.
    most = tf.reduce_max(probabilities, axis=1)
    log_sum = tf.reduce_max(rows, axis=1) - tf.math.log(most)

    def gradient(d):
        errors = tf.tensor_scatter_nd_sub(probabilities, places, tf.ones_like(most))
        return None, tf.reshape(errors * tf.reshape(d, [-1, 1]), tf.shape(scores))

    return tf.reshape(log_sum - tf.gather_nd(rows, places), tf.shape(targets)), gradient
