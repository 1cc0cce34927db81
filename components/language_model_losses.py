"""What a language model's prediction of the next token costs: softmax layers with their loss."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class FullSoftmax(keras.layers.Layer):
    """-log of the target's probability among all tokens.

    Call: hidden (B, T, D) and int targets (B, T) -> (B, T) float32.
    Args: vocabulary_size, V; seed, of the first weights.
    """

    def __init__(self, vocabulary_size, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size, self.seed = vocabulary_size, seed

    def build(self, hidden_shape, **_):
        self.kernel, self.bias = token_weights(self, hidden_shape[-1])

    def call(self, hidden, targets):
        return full_loss(hidden, targets, self.kernel, self.bias)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable("textmill")
class SampledSoftmax(keras.layers.Layer):
    """The same, in training among the target and a few sampled tokens, which all positions share.

    Tokens are drawn without repeats, by 1 / rank, so ids must come in the order of frequency. A
    token's score loses the log of how often it is expected among the sampled, which makes the
    gradient that of the full softmax but for the sampling.

    Call: hidden (B, T, D) and int targets (B, T) -> (B, T) float32; with training=False among all.
    Args: vocabulary_size, V; num_sampled, S < V; seed, of the first weights and of the samples.
    Sources: Jean et al. 2015, https://arxiv.org/abs/1412.2007, section 3; a target that is sampled
        counts once, and the distribution is log-uniform, as in `tf.nn.sampled_softmax_loss`.
    """

    def __init__(self, vocabulary_size, num_sampled=2048, seed=0, **kwargs):
        super().__init__(**kwargs)
        if not 0 < num_sampled < vocabulary_size:
            raise ValueError(
                f"num_sampled must be from 1 to vocabulary_size - 1 = {vocabulary_size - 1}."
                f" Received: {num_sampled}"
            )
        self.vocabulary_size, self.num_sampled, self.seed = vocabulary_size, num_sampled, seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, hidden_shape, **_):
        self.kernel, self.bias = token_weights(self, hidden_shape[-1])

    def call(self, hidden, targets, training=None):
        if not training:
            return full_loss(hidden, targets, self.kernel, self.bias)
        tokens, draws = self.draw()
        return sampled_loss(hidden, targets, self.kernel, self.bias, tokens, draws)

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
            "seed": self.seed,
        }


def token_weights(layer, width):
    """A vector and a bias for each token; the variance is that of the code of ELMo."""
    kernel = layer.add_weight(
        (layer.vocabulary_size, width),
        keras.initializers.RandomNormal(0.0, width**-0.5, layer.seed),
        name="kernel",
    )
    return kernel, layer.add_weight((layer.vocabulary_size,), "zeros", name="bias")


def full_loss(hidden, targets, kernel, bias):
    """(B, T, D), (B, T), (V, D), (V,) -> (B, T) float32."""
    logits = ops.matmul(hidden, ops.transpose(ops.cast(kernel, hidden.dtype)))
    logits = ops.cast(logits, "float32") + ops.cast(bias, "float32")  # (B, T, V)
    return ops.sparse_categorical_crossentropy(targets, logits, from_logits=True)


def sampled_loss(hidden, targets, kernel, bias, sampled, draws):
    """(B, T, D), (B, T), (V, D), (V,), (S,) tokens, a scalar -> (B, T) float32."""
    targets, sampled = ops.cast(targets, "int32"), ops.cast(sampled, "int32")

    def scores(tokens, product):
        logits = ops.cast(product, "float32") + ops.take(ops.cast(bias, "float32"), tokens)
        return logits - log_expected(tokens, draws, kernel.shape[0])

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
