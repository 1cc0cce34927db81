"""Layer normalization with its derivative written out, for training with TensorFlow on CPUs.

Sums over rows and columns are products with vectors, which are the fastest sums here, and nothing
is computed twice. `keras.layers.LayerNormalization` holds the portable way, the weights and the
configuration; a test holds them equal.
"""

import tensorflow as tf


def normed(norm, x):
    """What the Keras layer `norm`, over the last axis, makes of x, in the precision of x."""
    width = x.shape[-1]
    rows = tf.reshape(x, [-1, width])
    gamma, beta = tf.convert_to_tensor(norm.gamma), tf.convert_to_tensor(norm.beta)
    outputs = normed_rows(rows, gamma, beta, norm.epsilon)
    return tf.ensure_shape(tf.reshape(outputs, tf.shape(x)), x.shape)


def normed_rows(rows, gamma, beta, epsilon):
    @tf.custom_gradient
    def norm(rows, gamma, beta):
        wide = tf.cast(rows, tf.float32)
        centred = wide - tf.reduce_mean(wide, axis=1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=1, keepdims=True)
        scale = tf.math.rsqrt(variance + epsilon)
        normal = centred * scale
        outputs = tf.nn.bias_add(normal * gamma, beta)

        def gradient(upstream):
            upstream = tf.cast(upstream, tf.float32)
            product = upstream * normal
            ones = tf.ones([1, tf.shape(rows)[0]])
            shares = gamma[:, None] / gamma.shape[0]
            # With d = upstream * gamma: scale (d - mean(d) - normal mean(d normal)).
            d_rows = upstream * gamma - normal * (product @ shares) - upstream @ shares
            return tf.cast(d_rows * scale, rows.dtype), (ones @ product)[0], (ones @ upstream)[0]

        return tf.cast(outputs, rows.dtype), gradient

    return norm(rows, gamma, beta)
