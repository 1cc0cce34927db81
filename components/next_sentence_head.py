"""Whether the second of two texts follows the first."""

import keras
from keras import ops

from components.multi_head_attention import first_weights


@keras.saving.register_keras_serializable("textmill")
class NextSentenceHead(keras.layers.Layer):
    """Two scores of a pair, in float32 under every precision: that it is whole, and that it is not.

    Call: (B, D), BERT's vector of the pair, see `components.pooler` -> (B, 2) float32 logits.
    Args: seed, of the first weights.
    Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, section 3.1, task 2.
    """

    def __init__(self, seed=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.seed = seed

    def build(self, shape):
        kept = {"autocast": False}
        width = shape[-1]
        self.kernel = self.add_weight(
            (width, 2), first_weights(width, self.seed), name="kernel", **kept
        )
        self.bias = self.add_weight((2,), "zeros", name="bias", **kept)

    def call(self, features):
        return ops.matmul(ops.cast(features, "float32"), self.kernel) + self.bias

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
