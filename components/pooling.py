"""From the vectors of a text's tokens to one vector for the text.

Every layer here is called with (B, T, D) vectors and an optional (B, T) mask, right padded, and
returns `(features, extras)`: (B, F) features, and a dict of what else the pooling has to say, for
the outputs of the model. The dict holds only what applies:

    "attention"        (B, H, T) float32, the weights of the tokens for each of H weighted means
    "penalty"          (B,) float32, to be added to each example's loss
    "log_probability"  (B,) float32, of the tokens that hard attention took
"""

import keras
from keras import ops

from components.attention import Attention
from components.attention_scores import masked_softmax
from components.hard_attention import HardAttention


def last(x, mask=None):
    """The vector of the last token, (B, D), 0 for a text of no tokens."""
    return _at(_lengths(x, mask)[:, None] - 1, x)[:, 0]


def ends(x, mask=None):
    """Where each direction of a bidirectional encoder ends, (B, D), 0 for a text of no tokens.

    The first half of D, which reads forward, at the last token; the second half, which reads
    backward, at the first.
    """
    lengths, half = _lengths(x, mask), x.shape[-1] // 2
    both = _at(ops.stack([lengths, ops.minimum(lengths, 1)], axis=1) - 1, x)
    return ops.concatenate([both[:, 0, :half], both[:, 1, half:]], axis=-1)


def largest(x, mask=None):
    """The largest value of each feature, (B, D), 0 for a text of no tokens."""
    if mask is None:
        return ops.max(x, axis=1)
    best = ops.max(ops.where(mask[..., None], x, -float("inf")), axis=1)
    return ops.where(ops.any(mask, axis=1, keepdims=True), best, 0)


def mean(x, mask=None):
    """The mean of each feature, (B, D), 0 for a text of no tokens."""
    exact = ops.cast(x, "float32")
    if mask is None:
        return ops.cast(ops.mean(exact, axis=1), x.dtype)
    total = ops.sum(ops.where(mask[..., None], exact, 0), axis=1)
    number = ops.maximum(_lengths(x, mask), 1)[:, None]
    return ops.cast(total / ops.cast(number, "float32"), x.dtype)


def _lengths(x, mask):
    mask = ops.ones(ops.shape(x)[:2], "bool") if mask is None else mask
    return ops.sum(ops.cast(mask, "int32"), axis=1)


def _at(places, x):
    """The vectors at (B, N) places, 0 at the place -1: (B, N, D)."""
    # A product takes a fraction of the time of slices and their gradients.
    return ops.matmul(ops.one_hot(places, ops.shape(x)[1], dtype=x.dtype), x)


POOLS = {
    "last": (last,),
    "ends": (ends,),
    "max": (largest,),
    "mean": (mean,),
    "concat": (last, largest, mean),
    "concat_ends": (ends, largest, mean),
}


@keras.saving.register_keras_serializable("textmill")
class Pool(keras.layers.Layer):
    """The last, the ends, the largest or the mean of a text's vectors, without weights.

    `last` is the vector of the last token. Of a bidirectional encoder take `ends`: there the last
    token's backward half has read one token only, and `ends` takes that half from the first token.
    `concat` and `concat_ends` are three side by side: the last or the ends, the largest, the mean.

    Call: (B, T, D) vectors and an optional (B, T) mask -> (B, D) features, 0 for a text of no
        tokens, and {}; of the concatenations (B, 3 * D).
    Args: kind, one of `POOLS`.
    Source of the concatenation: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, section
        3.3.
    """

    def __init__(self, kind="max", **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        if kind not in POOLS:
            raise ValueError(f"kind must be one of {sorted(POOLS)}. Received: {kind!r}")
        self.kind = kind

    def call(self, x, mask=None):
        pooled = [pool(x, mask) for pool in POOLS[self.kind]]
        return ops.concatenate(pooled, axis=-1) if len(pooled) > 1 else pooled[0], {}

    def compute_mask(self, inputs, mask=None):
        return None  # the features have no time left to mask

    def get_config(self):
        return {**super().get_config(), "kind": self.kind}


@keras.saving.register_keras_serializable("textmill")
class AttentionPool(keras.layers.Layer):
    """A mean weighted by one query's attention, or with `hard` the one token that it takes.

    `learned` asks every text the same: what matters for the task. With the additive score this is
    the word attention of Yang et al. 2016. `last` and `ends` ask with the encoder's last state, as
    decoders do. The latter is what location needs, which sees nothing but the query: with a
    learned one it weighs the positions of all texts alike.

    Call: (B, T, D) vectors, an optional (B, T) mask -> (B, D) features, {"attention": (B, 1, T)}
        and, if hard, "log_probability".
    Args: score, a kind of `components.attention_scores.Scores`; units, max_length, its arguments;
        query, `learned`, `last` or `ends`; hard, see `components.hard_attention`; seed.
    Source: Yang et al. 2016, https://aclanthology.org/N16-1174, equations 5 to 7.
    """

    def __init__(
        self,
        score="additive",
        units=128,
        max_length=512,
        query="learned",
        hard=False,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        if query not in ("learned", "last", "ends"):
            raise ValueError(f"query must be `learned`, `last` or `ends`. Received: {query!r}")
        self.score, self.units, self.max_length = score, units, max_length
        self.query, self.hard, self.seed = query, hard, seed
        attention = HardAttention if hard else Attention
        self.attention = attention(
            score, units, max_length, seed, dtype=self.dtype_policy, name="attention"
        )

    def build(self, x_shape, mask_shape=None):
        width = x_shape[-1]
        if self.query == "learned":
            start = keras.initializers.GlorotUniform(self.seed + 11)
            self.learned = self.add_weight((1, width), start, name="query")
        self.attention.build((None, 1, width), x_shape)
        self.built = True

    def call(self, x, mask=None, training=None):
        match self.query:
            case "learned":
                query = ops.broadcast_to(self.learned, (ops.shape(x)[0], 1, x.shape[-1]))
            case "last":
                query = last(x, mask)[:, None]
            case "ends":
                query = ends(x, mask)[:, None]
        if self.hard:
            context, weights, chance = self.attention(query, x, mask=mask, training=training)
            return context[:, 0], {"attention": weights, "log_probability": chance}
        context, weights = self.attention(query, x, mask=mask)
        return context[:, 0], {"attention": weights}

    def compute_mask(self, inputs, mask=None):
        return None  # the features have no time left to mask

    def get_config(self):
        return {
            **super().get_config(),
            "score": self.score,
            "units": self.units,
            "max_length": self.max_length,
            "query": self.query,
            "hard": self.hard,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable("textmill")
class SelfAttentivePool(keras.layers.Layer):
    """Several weighted means side by side, each with weights of its own, made to differ.

    With H the (T, D) vectors of a text the weights are A = softmax(W2 tanh(W1 H^T)), a row for
    each hop, and the features the rows of A H. The penalty is the squared Frobenius norm of
    A A^T - I, which is small when each hop looks at few tokens and no two at the same.

    Call: (B, T, D) vectors, an optional (B, T) mask -> (B, num_hops * D) features,
        {"attention": (B, num_hops, T)} and, if the coefficient is above 0, "penalty".
    Args: num_hops, r in the paper; units, the rows of W1; penalty, the coefficient of the penalty;
        seed, of the first weights.
    Source: Lin et al. 2017, https://arxiv.org/abs/1703.03130, equations 6 to 8.
    """

    def __init__(self, num_hops=4, units=128, penalty=0.0, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.num_hops, self.units = num_hops, units
        self.penalty, self.seed = penalty, seed

    def build(self, x_shape, mask_shape=None):
        shapes = {"inner": (x_shape[-1], self.units), "outer": (self.units, self.num_hops)}
        self.inner, self.outer = [
            self.add_weight(shape, keras.initializers.GlorotUniform(self.seed + i), name=name)
            for i, (name, shape) in enumerate(shapes.items())
        ]

    def call(self, x, mask=None):
        scores = ops.matmul(ops.tanh(ops.matmul(x, self.inner)), self.outer)
        scores = ops.transpose(scores, (0, 2, 1))  # (B, num_hops, T)
        weights = masked_softmax(scores, None if mask is None else mask[:, None])
        means = ops.matmul(ops.cast(weights, x.dtype), x)  # (B, num_hops, D)
        features = ops.reshape(means, (-1, self.num_hops * x.shape[-1]))
        extras = {"attention": weights}
        if self.penalty:
            overlaps = ops.matmul(weights, ops.transpose(weights, (0, 2, 1)))
            distance = ops.sum(ops.square(overlaps - ops.eye(self.num_hops)), axis=(1, 2))
            extras["penalty"] = self.penalty * distance
        return features, extras

    def compute_mask(self, inputs, mask=None):
        return None  # the features have no time left to mask

    def get_config(self):
        return {
            **super().get_config(),
            "num_hops": self.num_hops,
            "units": self.units,
            "penalty": self.penalty,
            "seed": self.seed,
        }
