"""Hard attention: for each query one value, drawn in training by the softmax of the scores."""

import keras
from keras import ops

from components.attention_scores import LOWEST, Scores


@keras.saving.register_keras_serializable("textmill")
class HardAttention(keras.layers.Layer):
    """The value of one token for each query: drawn in training, otherwise the likeliest.

    No gradient passes through a draw. The gradient of the expected loss with regard to the scores
    comes from adding to the loss of each example

        stop_gradient(loss - baseline) * log_probability

    where the baseline is any number that does not depend on the draw; a mean of former losses
    makes the estimate less noisy (Williams 1992, REINFORCE). Padding is never drawn; a text of no
    tokens gives zeros, and the log of the probability 1.

    Call: (B, Q, D) query, (B, T, K) keys, (B, T, V) values, the keys if None, and an optional
        (B, T) mask of keys -> (B, Q, V) contexts, (B, Q, T) weights, 1 at the token taken and 0
        elsewhere, and (B,) log probabilities of all choices of an example together, float32.
    Args: score, a kind of `components.attention_scores.Scores`; units, max_length, its arguments;
        seed, of its first weights and of the draws.
    Source: Xu et al. 2015, https://arxiv.org/abs/1502.03044, section 4.1.
    """

    def __init__(self, score="additive", units=128, max_length=512, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.score, self.units, self.max_length, self.seed = score, units, max_length, seed
        self.scores = Scores(score, units, max_length, seed, dtype=self.dtype_policy, name="scores")
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, query_shape, keys_shape, values_shape=None, mask_shape=None):
        self.scores.build(query_shape, keys_shape)
        self.built = True

    def call(self, query, keys, values=None, mask=None, training=None):
        values = keys if values is None else values
        if mask is None:
            mask = ops.ones(ops.shape(keys)[:2], "bool")
        mask = mask[:, None]  # (B, 1, T)
        scores = ops.where(mask, self.scores(query, keys), LOWEST)
        log_probabilities = ops.log_softmax(scores, axis=-1)
        places = self.draw(log_probabilities) if training else ops.argmax(scores, axis=-1)
        chosen = ops.one_hot(places, ops.shape(keys)[1], dtype="bool") & mask
        log_probability = ops.sum(ops.where(chosen, log_probabilities, 0.0), axis=(1, 2))
        weights = ops.cast(chosen, "float32")
        return ops.matmul(ops.cast(weights, values.dtype), values), weights, log_probability

    def draw(self, log_probabilities):
        """A token for each query: (B, Q, T) -> (B, Q)."""
        shape = ops.shape(log_probabilities)
        rows = ops.reshape(log_probabilities, (-1, shape[-1]))
        places = keras.random.categorical(rows, 1, seed=self.seed_generator)
        return ops.reshape(places, shape[:2])

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
