"""What stands between the two linear layers of a Transformer's layer."""

import keras
from keras import ops

ACTIVATIONS = ("gelu", "gelu_tanh", "relu")


def activate(x, kind, training=False):
    """`relu`, `gelu` or `gelu_tanh`, of x in its own precision.

    GELU(x) = x P(X <= x) for X normal; gelu_tanh is its approximation, which GPT has. What answers
    keeps Keras's form of it, which TensorFlow joins to the product before it.
    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415, section 2.
    """
    if kind == "relu":
        return ops.relu(x)
    if training and keras.backend.backend() == "tensorflow":
        from components import fast_gelu

        return getattr(fast_gelu, kind)(x)
    return ops.gelu(x, approximate=kind == "gelu_tanh")
