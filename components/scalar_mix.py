"""ELMo's weighted sum of layers."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class ScalarMix(keras.layers.Layer):
    """gamma * sum over the layers k of s_k h_k, where s = softmax(w); w starts at 0, gamma at 1.

    Call: (B, T, L, D) layers and an optional (B, T) mask -> (B, T, D), 0 at padding.
    Args: layer_norm, whether each layer is first brought to mean 0 and variance 1 over all
        numbers of a text's words (AllenNLP takes the mean over the whole batch, so that a text
        would change with those beside it); dropout, with which each layer's weight goes to 0 in
        training, for the whole batch; seed.
    Sources: Peters et al. 2018, https://arxiv.org/abs/1802.05365, equation 1; dropout:
        Kondratyuk and Straka 2019, https://arxiv.org/abs/1904.02099, section 4.2.
    """

    def __init__(self, layer_norm=False, dropout=0.0, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.layer_norm, self.dropout, self.seed = layer_norm, dropout, seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, x_shape, **_):
        self.scores = self.add_weight((x_shape[2],), "zeros", name="scores")
        self.gamma = self.add_weight((), "ones", name="gamma")

    def call(self, x, mask=None, training=None):
        scores = ops.cast(self.scores, "float32")
        if training and self.dropout:
            drawn = keras.random.uniform(scores.shape, seed=self.generator)
            # If all are dropped, all count alike.
            scores = ops.where(drawn < self.dropout, -1e20, scores)
        weights = ops.cast(ops.softmax(scores), x.dtype)
        keep = None if mask is None else ops.cast(mask, x.dtype)[..., None]  # (B, T, 1)
        if self.layer_norm:
            x = ops.cast(normed(ops.cast(x, "float32"), mask), x.dtype)
        x = self.gamma * ops.einsum("btld,l->btd", x, weights)
        return x if keep is None else x * keep

    def compute_mask(self, x, mask=None):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "layer_norm": self.layer_norm,
            "dropout": self.dropout,
            "seed": self.seed,
        }


def normed(x, mask):
    """Each layer of each text with mean 0 and variance 1: (B, T, L, D), (B, T) -> (B, T, L, D)."""
    keep = ops.ones_like(x[:, :, :1, :1])
    if mask is not None:
        keep = ops.cast(mask, x.dtype)[..., None, None]
    number = ops.maximum(ops.sum(keep, axis=(1, 3), keepdims=True) * x.shape[-1], 1)
    x = x - ops.sum(x * keep, axis=(1, 3), keepdims=True) / number
    variance = ops.sum(ops.square(x * keep), axis=(1, 3), keepdims=True) / number
    return x / ops.sqrt(variance + 1e-12)
