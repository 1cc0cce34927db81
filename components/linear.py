"""A linear map with a bias by the fastest way."""

import keras
from keras import ops


def linear(rows, kernel, bias, training=False):
    """rows (N, D) @ kernel (D, E) + bias (E,) -> (N, E), all in the precision of rows."""
    kernel, bias = ops.cast(kernel, rows.dtype), ops.cast(bias, rows.dtype)
    if training and keras.backend.backend() == "tensorflow":
        from components import fast_linear

        return fast_linear.biased(ops.matmul(rows, kernel), bias)
    return ops.add(ops.matmul(rows, kernel), bias)
