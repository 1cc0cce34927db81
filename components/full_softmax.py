"""What a language model's prediction of the next token costs, among all tokens."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class FullSoftmax(keras.layers.Layer):
    """-log of the target's probability among all tokens.

    Call: hidden (B, T, D), int targets (B, T) and, if tied, table (V, D) -> (B, T) float32.
    Args: vocabulary_size, V; tied, whether the tokens' vectors are the table that the caller hands
        in, mostly the one that the tokens were read with, and only the biases are the layer's own;
        seed, of the first weights.
    Source of the tying: Press and Wolf 2017, https://arxiv.org/abs/1608.05859.
    """

    def __init__(self, vocabulary_size, tied=False, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size, self.tied, self.seed = vocabulary_size, tied, seed

    def build(self, hidden_shape, **_):
        add_token_weights(self, hidden_shape[-1])

    def call(self, hidden, targets, table=None):
        return cross_entropy(targets, all_scores(hidden, token_vectors(self, table), self.bias))

    def log_probabilities(self, hidden, table=None):
        """(B, T, D), and (V, D) if tied -> (B, T, V) float32."""
        hidden = ops.cast(hidden, self.compute_dtype)
        return ops.log_softmax(all_scores(hidden, token_vectors(self, table), self.bias))

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "tied": self.tied,
            "seed": self.seed,
        }


def add_token_weights(layer, width):
    """A bias for each token and, if not tied, a vector, of the variance that ELMo's code has."""
    if not layer.tied:
        normal = keras.initializers.RandomNormal(0.0, width**-0.5, layer.seed)
        layer.kernel = layer.add_weight((layer.vocabulary_size, width), normal, name="kernel")
    layer.bias = layer.add_weight((layer.vocabulary_size,), "zeros", name="bias")


def token_vectors(layer, table):
    """The layer's kernel, or the table if it is tied to one.

    Raises:
        ValueError: a tied layer is given no table, or another one is given one.
    """
    if layer.tied != (table is not None):
        raise ValueError(
            f"a softmax takes a table if it is tied, and only then: tied is {layer.tied}."
            f" Received: table={'None' if table is None else tuple(table.shape)}"
        )
    return table if layer.tied else layer.kernel


def all_scores(hidden, kernel, bias):
    """(..., D), (V, D), (V,) -> (..., V) float32."""
    scores = ops.matmul(hidden, ops.transpose(ops.cast(kernel, hidden.dtype)))
    return ops.cast(scores, "float32") + ops.cast(bias, "float32")


def cross_entropy(targets, scores):
    """int (...) and (..., V) float32 -> (...) float32."""
    if keras.backend.backend() == "tensorflow":
        from components import fast_cross_entropy

        return fast_cross_entropy.cross_entropy(targets, scores)
    return ops.sparse_categorical_crossentropy(targets, scores, from_logits=True)
