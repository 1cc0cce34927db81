"""One layer of a Transformer."""

import keras
from keras import ops

from components.activations import ACTIVATIONS, activate
from components.dropouts import dropped
from components.layer_norm import normed
from components.linear import linear
from components.multi_head_attention import MultiHeadAttention, first_weights


@keras.saving.register_keras_serializable("textmill")
class TransformerLayer(keras.layers.Layer):
    """Attention of a text to itself, with `cross` also to a memory, then two linear layers with an
    activation in between, the same for every token; what each of these makes is added to its input.

    With f one of them: norm `post` is norm(x + dropout(f(x))), as in Vaswani 2017, BERT and GPT;
    norm `pre` is x + dropout(f(norm(x))), as in GPT-2.

    Call: x (B, T, D) and a bias that broadcasts to (B, H, T, T'); with `cross` memory and
        memory_bias, which are memory and bias of its `MultiHeadAttention`; cache and place, as
        there -> (B, T, D) and a dict of what was asked for: with cache "cache", with return_weights
        "weights" and, with `cross`, "cross_weights".
    Args: num_heads; inner, width between the linear layers; activation, a kind of
        `components.activations`; norm; dropout, rate of what is added; attention_dropout, rate of
        the weights; epsilon, of the norms; cross; seed.
    Raises: ValueError for another activation or norm.
    Sources: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, sections 3.1 to 3.3 and 5.4;
        `pre`: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section
        2.3.
    """

    def __init__(
        self,
        num_heads,
        inner,
        activation="gelu",
        norm="post",
        dropout=0.1,
        attention_dropout=0.1,
        epsilon=1e-12,
        cross=False,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {ACTIVATIONS}. Received: {activation!r}")
        if norm not in ("post", "pre"):
            raise ValueError(f"norm must be `post` or `pre`. Received: {norm!r}")
        self.num_heads, self.inner, self.activation, self.norm = num_heads, inner, activation, norm
        self.dropout, self.attention_dropout, self.epsilon = dropout, attention_dropout, epsilon
        self.cross, self.seed = cross, seed
        self.generator = keras.random.SeedGenerator(seed + 7)
        attends = {"dropout": attention_dropout, "dtype": self.dtype_policy}
        self.attention = MultiHeadAttention(num_heads, seed=seed, name="attention", **attends)
        self.attention_norm = self.normalization("attention_norm")
        if cross:
            self.cross_attention = MultiHeadAttention(
                num_heads, cross=True, seed=seed + 2, name="cross_attention", **attends
            )
            self.cross_norm = self.normalization("cross_norm")
        self.feed_forward_norm = self.normalization("feed_forward_norm")

    def normalization(self, name):
        return keras.layers.LayerNormalization(
            epsilon=self.epsilon, dtype=self.dtype_policy, name=name
        )

    def build(self, x_shape, **_):
        width, rest = x_shape[-1], {"dtype": self.dtype_policy}
        starts = [first_weights(width, self.seed + n) for n in (5, 6)]
        self.widen = keras.layers.Dense(
            self.inner, kernel_initializer=starts[0], name="inner", **rest
        )
        self.narrow = keras.layers.Dense(width, kernel_initializer=starts[1], name="outer", **rest)
        self.attention.build(x_shape)
        self.attention_norm.build(x_shape)
        if self.cross:
            self.cross_attention.build(x_shape)
            self.cross_norm.build(x_shape)
        self.widen.build(x_shape)
        self.narrow.build((*x_shape[:-1], self.inner))
        self.feed_forward_norm.build(x_shape)

    def call(
        self,
        x,
        bias=None,
        memory=None,
        memory_bias=None,
        cache=None,
        place=None,
        return_weights=False,
        training=None,
    ):
        asked = {"return_weights": return_weights, "training": training}
        more = {}

        def attend(x):
            outputs, own = self.attention(x, bias, cache=cache, place=place, **asked)
            more.update(own)
            return outputs

        def look_at_memory(x):
            outputs, own = self.cross_attention(x, memory_bias, memory=memory, **asked)
            more.update({f"cross_{name}": value for name, value in own.items()})
            return outputs

        def feed_forward(x):
            rows = ops.reshape(x, (-1, x.shape[-1]))  # of which a product takes its bias along
            wide = linear(rows, self.widen.kernel, self.widen.bias, training)
            wide = activate(wide, self.activation, training)
            rows = linear(wide, self.narrow.kernel, self.narrow.bias, training)
            return ops.reshape(rows, ops.shape(x))

        x = ops.cast(x, self.compute_dtype)
        x = self.added(x, attend, self.attention_norm, training)
        if self.cross:
            x = self.added(x, look_at_memory, self.cross_norm, training)
        return self.added(x, feed_forward, self.feed_forward_norm, training), more

    def added(self, x, function, norm, training):
        rate = self.dropout if training else 0.0
        if self.norm == "pre":
            return x + dropped(function(normed(norm, x, training)), rate, self.generator)
        return normed(norm, x + dropped(function(x), rate, self.generator), training)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "inner": self.inner,
            "activation": self.activation,
            "norm": self.norm,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "epsilon": self.epsilon,
            "cross": self.cross,
            "seed": self.seed,
        }
