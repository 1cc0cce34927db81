"""Bounds on weights that hold after every step of the optimizer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class ColumnNorm(keras.constraints.Constraint):
    """Scales a column of a (D, C) matrix down to the L2 norm `limit` when it is longer.

    `keras.constraints.MaxNorm` divides every column by norm + 1e-7, so it also shrinks the
    columns within the limit, a little at each step; this leaves them bit for bit as they are.

    Args: limit, the largest norm.
    Source: Kim 2014, https://arxiv.org/abs/1408.5882, section 2.1.
    """

    def __init__(self, limit):
        self.limit = limit

    def __call__(self, weights):
        norms = ops.sqrt(ops.sum(ops.square(weights), axis=0, keepdims=True))
        return weights * (self.limit / ops.maximum(norms, self.limit))

    def get_config(self):
        return {"limit": self.limit}
