"""The vector of a text that BERT was pretrained with."""

import keras
from keras import ops

from components.multi_head_attention import first_weights


@keras.saving.register_keras_serializable("textmill")
class Pooler(keras.layers.Layer):
    """tanh(W x + b) of the first token, which is [CLS].

    Call: (B, T, D) vectors and an optional mask, which it does not need -> `(features, extras)` as
        of `components.pooling`: (B, D), and an empty dict.
    Args: seed, of the first weights.
    Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, section 3; the layer itself stands
        in its code only, https://github.com/google-research/bert/blob/master/modeling.py.
    """

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.seed = seed

    def build(self, x_shape, mask_shape=None):
        width = x_shape[-1]
        start = first_weights(width, self.seed)
        self.kernel = self.add_weight((width, width), start, name="kernel")
        self.bias = self.add_weight((width,), "zeros", name="bias")

    def call(self, x, mask=None):
        return ops.tanh(ops.matmul(x[:, 0], self.kernel) + self.bias), {}

    def compute_mask(self, inputs, mask=None):
        return None

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
