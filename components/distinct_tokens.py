"""N-gram responses from the distinct tokens of a batch, each multiplied with the filters once.

A filter's answer to a window is a sum of one product for each token of the window, and most tokens
of a batch occur in it many times. TensorFlow only, and not under XLA: how many tokens are distinct
is known when the batch is. `components.ngrams` holds the portable way; a test holds them equal.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("textmill")
class DistinctTokens(keras.layers.Layer):
    """The distinct ids of a batch, the padding id 0 first, and where each token's id stands there.

    Call: (B, T) int32 ids -> (U,) and (B, T) int32.
    """

    def call(self, ids):
        ids_after_padding = tf.concat([[0], tf.reshape(ids, [-1])], axis=0)
        distinct, places = tf.unique(ids_after_padding)
        return distinct, tf.reshape(places[1:], tf.shape(ids))


def responses(vectors, places, kernel, stride):
    """What each filter answers to each window: a valid convolution of vectors[places].

    (U, D) vectors, (B, T + W - 1) places in them, (W, D, F) kernel -> (B, ceil(T / stride), F).
    """
    width, depth, filters = kernel.shape
    by_token = tf.reshape(tf.transpose(kernel, [1, 0, 2]), [depth, width * filters])
    products = tf.reshape(vectors @ by_token, [-1, filters])  # (U * W, F), a row for each offset
    end = tf.shape(places)[1] - width + 1
    rows = [places[:, offset : offset + end : stride] * width + offset for offset in range(width)]
    batch, windows = tf.unstack(tf.shape(rows[0]))
    number = batch * windows
    sums = tf.sparse.segment_sum(
        products,
        tf.reshape(tf.stack(rows, axis=-1), [-1]),
        tf.repeat(tf.range(number), width),
        num_segments=number,
    )
    return tf.reshape(sums, [batch, windows, filters])
