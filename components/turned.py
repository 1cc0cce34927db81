"""Texts read from their last word to their first."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class Turned(keras.layers.Layer):
    """`turned` as a layer, for models that are made of Keras inputs."""

    def call(self, x, mask=None):
        return turned(x, mask)

    def compute_mask(self, x, mask=None):
        return None


def turned(x, mask):
    """Each text from its last word to its first, with the padding still at the right.

    Call: (B, T, ...) ids or vectors and a (B, T) mask, padded at the right, or None -> the same.
    """
    if mask is None:
        return ops.flip(x, axis=1)
    rows, length, *rest = ops.shape(x)
    words = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
    place = ops.arange(length)[None]
    place = ops.where(place < words, words - 1 - place, place)  # (B, T)
    # `ops.take_along_axis` is 18 times as slow.
    flat = ops.reshape(x, (-1, *rest))
    return ops.take(flat, ops.arange(rows)[:, None] * length + place, axis=0)
