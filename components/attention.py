"""Soft attention: for each query, the mean of the values weighted by how well their keys answer."""

import keras
from keras import ops

from components.attention_scores import Scores, masked_softmax


@keras.saving.register_keras_serializable("textmill")
class Attention(keras.layers.Layer):
    """The mean of a text's values, weighted for each query by the softmax of its scores.

    Padding gets the weight 0; from a text of no tokens every query gets zeros. The weights are
    float32 under every precision.

    Call: (B, Q, D) query, (B, T, K) keys, (B, T, V) values, the keys if None, and an optional
        (B, T) mask of keys -> (B, Q, V) contexts and (B, Q, T) weights.
    Args: score, a kind of `components.attention_scores.Scores`; units, max_length, seed, its
        arguments.
    Source: Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473, equations 5 and 6.
    """

    def __init__(self, score="additive", units=128, max_length=512, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.score, self.units, self.max_length, self.seed = score, units, max_length, seed
        self.scores = Scores(score, units, max_length, seed, dtype=self.dtype_policy, name="scores")

    def build(self, query_shape, keys_shape, values_shape=None, mask_shape=None):
        self.scores.build(query_shape, keys_shape)
        self.built = True

    def call(self, query, keys, values=None, mask=None):
        values = keys if values is None else values
        mask = None if mask is None else mask[:, None]  # (B, 1, T)
        weights = masked_softmax(self.scores(query, keys), mask)
        return ops.matmul(ops.cast(weights, values.dtype), values), weights

    def compute_mask(self, inputs, mask=None):
        return None  # what is left has a place for each query, not each token

    def get_config(self):
        return {
            **super().get_config(),
            "score": self.score,
            "units": self.units,
            "max_length": self.max_length,
            "seed": self.seed,
        }
