"""What a language model's prediction of the next token costs, among a few sampled tokens."""

import math

import keras
from keras import ops

from components.full_softmax import add_token_weights, all_scores, cross_entropy, token_vectors


@keras.saving.register_keras_serializable("textmill")
class SampledSoftmax(keras.layers.Layer):
    """`FullSoftmax`, in training among the target and a few sampled tokens, shared by all places.

    Tokens are drawn without repeats, by 1 / rank, so ids must come in the order of frequency. A
    token's score loses the log of how often it is expected among the sampled, which makes the
    gradient that of the full softmax but for the sampling.

    Call: hidden (B, T, D), int targets (B, T) and, if tied, table (V, D) -> (B, T) float32; with
        training=False among all.
    Args: vocabulary_size, V; num_sampled, S < V; tied, as of `FullSoftmax`; seed, of the first
        weights and of the samples.
    Sources: Jean et al. 2015, https://arxiv.org/abs/1412.2007, section 3; a target that is sampled
        counts once, and the distribution is log-uniform, as in `tf.nn.sampled_softmax_loss`.
    """

    def __init__(self, vocabulary_size, num_sampled=2048, tied=False, seed=0, **kwargs):
        # Autocast would sum the gradients of a repeated token in 16 bits.
        super().__init__(autocast=False, **kwargs)
        if not 0 < num_sampled < vocabulary_size:
            raise ValueError(
                f"num_sampled must be from 1 to vocabulary_size - 1 = {vocabulary_size - 1}."
                f" Received: {num_sampled}"
            )
        self.vocabulary_size, self.num_sampled = vocabulary_size, num_sampled
        self.tied, self.seed = tied, seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, hidden_shape, **_):
        add_token_weights(self, hidden_shape[-1])

    def call(self, hidden, targets, table=None, training=None):
        hidden, vectors = ops.cast(hidden, self.compute_dtype), token_vectors(self, table)
        if not training:
            return cross_entropy(targets, all_scores(hidden, vectors, self.bias))
        tokens, draws = self.draw()
        return sampled_loss(hidden, targets, vectors, self.bias, tokens, draws)

    def log_probabilities(self, hidden, table=None):
        """(B, T, D), and (V, D) if tied -> (B, T, V) float32."""
        hidden = ops.cast(hidden, self.compute_dtype)
        return ops.log_softmax(all_scores(hidden, token_vectors(self, table), self.bias))

    def draw(self):
        """(S,) tokens, and the number of draws with repeats that would give as many, a scalar.

        Each token gets a waiting time, exponential with its probability as the rate; the S that
        come first are taken, and when the next one comes is the number.
        Source: Cohen and Kaplan 2007, Summarizing data using bottom-k sketches.
        """
        probabilities = ops.exp(log_uniform(ops.arange(self.vocabulary_size), self.vocabulary_size))
        uniform = keras.random.uniform((self.vocabulary_size,), seed=self.generator)
        waiting = -ops.log1p(-uniform) / probabilities
        soonest, tokens = ops.top_k(-waiting, self.num_sampled + 1)
        return tokens[:-1], -soonest[-1]

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_sampled": self.num_sampled,
            "tied": self.tied,
            "seed": self.seed,
        }


def sampled_loss(hidden, targets, kernel, bias, sampled, draws):
    """(B, T, D), (B, T), (V, D), (V,), (S,) tokens, a scalar -> (B, T) float32."""
    targets, sampled = ops.cast(targets, "int32"), ops.cast(sampled, "int32")

    def scores(tokens, product):
        logits = ops.cast(product, "float32") + ops.take(ops.cast(bias, "float32"), tokens)
        return logits - log_expected(tokens, draws, bias.shape[0])

    vectors = ops.cast(ops.take(kernel, targets, axis=0), hidden.dtype)
    right = scores(targets, ops.sum(hidden * vectors, axis=-1))  # (B, T)
    vectors = ops.cast(ops.take(kernel, sampled, axis=0), hidden.dtype)
    others = scores(sampled, ops.matmul(hidden, ops.transpose(vectors)))  # (B, T, S)
    others = ops.where(targets[..., None] == sampled, -1e9, others)
    return ops.logaddexp(right, ops.logsumexp(others, axis=-1)) - right


def log_uniform(tokens, vocabulary_size):
    """Log probability of a token by its rank: log(log((k + 2) / (k + 1)) / log(V + 1))."""
    rank = ops.cast(tokens, "float32") + 1
    return ops.log(ops.log1p(1 / rank)) - math.log(math.log(vocabulary_size + 1))


def log_expected(tokens, draws, vocabulary_size):
    """Log of the chance that a token is among the sampled: 1 - exp(-p * draws)."""
    return ops.log(-ops.expm1(-draws * ops.exp(log_uniform(tokens, vocabulary_size))))
