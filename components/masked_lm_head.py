"""Which tokens stood in the places of a text that were masked."""

import keras
from keras import ops

from components.activations import activate
from components.full_softmax import all_scores, cross_entropy
from components.layer_norm import normed
from components.multi_head_attention import first_weights


@keras.saving.register_keras_serializable("textmill")
class MaskedLMHead(keras.layers.Layer):
    """norm(f(W x + b)) at the masked places, against the vectors that the tokens were read with.

    Only these places are multiplied by the vocabulary, which is most of the work of a small BERT.

    Call: x (B, T, D), places (B, M) int, targets (B, M) int, 0 where there is none, and table
        (V, D) -> {"losses": (B, M) float32, -ln p of the target, 0 where there is none; "tokens":
        (B, M) int32, the likeliest ones}.
    Args: vocabulary_size, V; activation, f, see `components.activations`; epsilon, of the norm;
        seed, of the first weights.
    Sources: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, section 3.1; what stands before
        the table, and the bias of each token, are in its code only, `get_masked_lm_output` of
        https://github.com/google-research/bert/blob/master/run_pretraining.py.
    """

    def __init__(self, vocabulary_size, activation="gelu", epsilon=1e-12, seed=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self.vocabulary_size, self.activation = vocabulary_size, activation
        self.epsilon, self.seed = epsilon, seed

    @property
    def first_ids(self):
        """By name, the weight with a number for each token, and the id of its first one."""
        return {"bias": 0}

    def build(self, x_shape, **_):
        width, policy = x_shape[-1], {"dtype": self.dtype_policy}
        self.transform = keras.layers.Dense(
            width, kernel_initializer=first_weights(width, self.seed), name="transform", **policy
        )
        self.norm = keras.layers.LayerNormalization(epsilon=self.epsilon, name="norm", **policy)
        for layer in (self.transform, self.norm):
            layer.build((None, width))
        self.bias = self.add_weight((self.vocabulary_size,), "zeros", name="bias")

    def call(self, x, places, targets, table, training=None):
        scores = self.scores(x, places, table, training)
        losses = ops.where(ops.not_equal(targets, 0), cross_entropy(targets, scores), 0.0)
        return {"losses": losses, "tokens": ops.cast(ops.argmax(scores, axis=-1), "int32")}

    def scores(self, x, places, table, training=False):
        """Of all tokens at these places, before the softmax: (B, M, V) float32."""
        rows, length, width = ops.shape(x)
        first = ops.arange(rows, dtype="int32")[:, None] * length
        x = ops.take(ops.reshape(x, (-1, width)), first + ops.cast(places, "int32"), axis=0)
        x = activate(self.transform(ops.cast(x, self.compute_dtype)), self.activation, training)
        return all_scores(normed(self.norm, x, training), table, self.bias)

    def compute_mask(self, *_, **__):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "activation": self.activation,
            "epsilon": self.epsilon,
            "seed": self.seed,
        }
