"""Two texts together: what their features say side by side, and which tokens answer which."""

import keras
from keras import ops

from components.attention_scores import Scores, masked_softmax


@keras.saving.register_keras_serializable("textmill")
class PairFeatures(keras.layers.Layer):
    """Two texts' features, how far they are apart and where both are large: [u, v, |u - v|, u * v].

    Call: (B, F) u and (B, F) v -> (B, 4F).
    Source: Conneau et al. 2017, https://arxiv.org/abs/1705.02364, section 3.
    """

    def call(self, u, v):
        return ops.concatenate([u, v, ops.absolute(u - v), u * v], axis=-1)


@keras.saving.register_keras_serializable("textmill")
class CrossAttention(keras.layers.Layer):
    """Each token of either text beside what it attends to in the other one.

    With e_ij the score of token j of the second text for token i of the first, token i is compared
    with s_i, the mean of the second text's vectors weighted by the softmax of e_ij over j, and
    becomes [a_i, s_i, a_i - s_i, a_i * s_i]; so does token j with the softmax over i. Padding
    neither gets nor gives anything, and against a text of no tokens s is 0.

    Call: (B, T, D) first and (B, S, D) second text, optional (B, T) and (B, S) masks ->
        `(first, second), extras`: (B, T, 4D) and (B, S, 4D), or as wide as the projection, 0 at
        padding; and the float32 weights {"attention": (B, T, S), "second_attention": (B, S, T)}.
    Args: score, a kind of `components.attention_scores.Scores` that reads both texts; units, its
        argument; projection, width of a relu layer on the result, the same for both texts, None
        for none; seed, of the first weights.
    Raises: ValueError for the score `location`, which does not read the other text.
    Sources: Parikh et al. 2016, https://arxiv.org/abs/1606.01933, section 3.1; Chen et al. 2017
        (ESIM), https://arxiv.org/abs/1609.06038, section 3.2, and the projection from 3.3.
    """

    def __init__(self, score="dot", units=128, projection=None, seed=0, **kwargs):
        super().__init__(**kwargs)
        if score == "location":
            raise ValueError("score `location` reads one text only: it cannot align two.")
        self.supports_masking = True
        self.score, self.units = score, units
        self.projection, self.seed = projection, seed
        self.scores = Scores(score, units, seed=seed, dtype=self.dtype_policy, name="scores")
        if projection is not None:
            self.project = keras.layers.Dense(
                projection,
                activation="relu",
                kernel_initializer=keras.initializers.GlorotUniform(seed + 11),
                dtype=self.dtype_policy,
                name="project",
            )

    def build(self, first_shape, second_shape, mask_shape=None, second_mask_shape=None):
        self.scores.build(first_shape, second_shape)
        if self.projection is not None:
            self.project.build((None, None, 4 * first_shape[-1]))
        self.built = True

    def call(self, first, second, mask=None, second_mask=None):
        scores = self.scores(first, second)  # (B, T, S)
        weights = masked_softmax(scores, _of_keys(second_mask))
        second_weights = masked_softmax(ops.transpose(scores, (0, 2, 1)), _of_keys(mask))
        compared = (
            self.compare(first, weights, second, mask),
            self.compare(second, second_weights, first, second_mask),
        )
        return compared, {"attention": weights, "second_attention": second_weights}

    def compare(self, x, weights, other, mask):
        """(B, T, D) tokens beside the means of the other text's -> (B, T, 4D or projection)."""
        soft = ops.matmul(ops.cast(weights, other.dtype), other)
        x = ops.concatenate([x, soft, x - soft, x * soft], axis=-1)
        if self.projection is not None:
            x = self.project(x)
        return x if mask is None else ops.where(mask[..., None], x, 0)

    def compute_mask(self, inputs, mask=None):
        return None  # each text keeps the mask that came with it

    def get_config(self):
        return {
            **super().get_config(),
            "score": self.score,
            "units": self.units,
            "projection": self.projection,
            "seed": self.seed,
        }


def _of_keys(mask):
    return None if mask is None else mask[:, None]
