"""The stack of layers that BERT, GPT and encoder-decoder models have in common."""

import keras
from keras import ops

from components.dot_product_attention import attention_bias, visible_tokens
from components.layer_norm import normed
from components.transformer_layer import TransformerLayer


@keras.saving.register_keras_serializable("textmill")
class Transformer(keras.layers.Layer):
    """`num_layers` layers; with norm `pre` a last norm follows them.

    Padding, at the right, is looked at by no token. A row may hold several texts one after the
    other: `segments` numbers them, and no text looks at another. With positions that start anew in
    each (`TokenEmbeddings`), the numbers are those of the texts by themselves. A causal stack can
    read a text in parts, or write it token by token: `extend`.

    Call: x (B, T, D); mask (B, T) bool; segments (B, T) int, the number from 1 of the text that a
        token belongs to; with `cross` memory (B, S, D), which each layer looks at after the text,
        and memory_mask (B, S) -> (B, T, D), 0 at padding; with return_weights also a list with, for
        each layer, a dict of "weights", (B, H, T, T) float32, and with `cross` "cross_weights".
    Args: num_layers; causal, whether a token looks at none that come later; cross, whether there is
        a memory, as in the decoder of Vaswani 2017; the others as of `TransformerLayer`.
    Sources: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3; the last norm:
        Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.
    """

    def __init__(
        self,
        num_layers,
        num_heads,
        inner,
        activation="gelu",
        norm="post",
        dropout=0.1,
        attention_dropout=0.1,
        epsilon=1e-12,
        causal=False,
        cross=False,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self.num_layers, self.num_heads, self.inner = num_layers, num_heads, inner
        self.activation, self.norm, self.dropout = activation, norm, dropout
        self.attention_dropout, self.epsilon = attention_dropout, epsilon
        self.causal, self.cross, self.seed = causal, cross, seed
        self.layers = [
            TransformerLayer(
                num_heads,
                inner,
                activation,
                norm,
                dropout,
                attention_dropout,
                epsilon,
                cross,
                seed=seed + 8 * n,  # more than a layer draws
                dtype=self.dtype_policy,
                name=f"layer_{n}",
            )
            for n in range(num_layers)
        ]
        if norm == "pre":
            self.last_norm = keras.layers.LayerNormalization(
                epsilon=epsilon, dtype=self.dtype_policy, name="norm"
            )

    @property
    def groups(self):
        """The layers from bottom to top, the last norm with the highest."""
        groups = [[layer] for layer in self.layers]
        if self.norm == "pre":
            groups[-1].append(self.last_norm)
        return groups

    def build(self, x_shape, **_):
        self.width = x_shape[-1]
        for layer in self.layers:
            layer.build(x_shape)
        if self.norm == "pre":
            self.last_norm.build(x_shape)

    def call(
        self,
        x,
        mask=None,
        segments=None,
        memory=None,
        memory_mask=None,
        return_weights=False,
        training=None,
    ):
        rows, length, _ = ops.shape(x)
        visible = visible_tokens(length, mask, segments, self.causal)
        given = {
            "bias": attention_bias(visible, rows),
            "memory": memory,
            "memory_bias": attention_bias(visible_tokens(None, memory_mask), rows),
        }
        weights = []
        for layer in self.layers:
            x, more = layer(x, **given, return_weights=return_weights, training=training)
            weights.append(more)
        x = normed(self.last_norm, x, training) if self.norm == "pre" else x
        x = x if mask is None else x * ops.cast(mask, x.dtype)[..., None]
        return (x, weights) if return_weights else x

    def empty_cache(self, rows, length):
        """For `extend`: room for as many tokens in each row.

        A pair of (B, H, L, K) for each layer, L one more than `length`: padding may lie beyond.
        """
        shape = (rows, self.num_heads, length + 1, self.width // self.num_heads)
        zeros = ops.zeros(shape, self.compute_dtype)
        return [(zeros, zeros) for _ in self.layers]

    def read_memory(self, memory):
        """For `extend`: what each layer makes of a memory, (B, S, D), once for all tokens."""
        return [layer.cross_attention.read_memory(memory) for layer in self.layers]

    def extend(self, x, cache, start, memory=None, memory_mask=None):
        """What the stack makes of tokens after those that it has read before.

        Rows may have read different numbers of tokens, and may go on by different numbers: what
        stands at the right of a row's own is padding, and is overwritten by its next tokens.

        Args: x (B, T, D), the new tokens; cache, of `empty_cache` or the last call; start, (B,) or
            a scalar, how many tokens of a row the cache holds, which is where the new ones go;
            memory, of `read_memory`.
        Returns: (B, T, D) and the cache, of the same shapes.
        Raises: ValueError if the stack is not causal: earlier tokens would have to look at these.
        """
        if not self.causal:
            raise ValueError("only a causal stack reads a text in parts. Received: causal=False")
        (rows, length, _), slots = ops.shape(x), ops.arange(ops.shape(cache[0][0])[2])
        place = ops.reshape(ops.cast(start, "int32"), (-1, 1)) + ops.arange(length)  # (B or 1, T)
        given = {
            "bias": attention_bias((place[..., None] >= slots)[:, None], rows),  # (B, 1, T, L)
            "place": place,
            "memory_bias": attention_bias(visible_tokens(None, memory_mask), rows),
        }
        memory = [None] * self.num_layers if memory is None else memory
        after = []
        for layer, own, pair in zip(self.layers, memory, cache, strict=True):
            x, more = layer(x, **given, memory=own, cache=pair, training=False)
            after.append(more["cache"])
        return self.last_norm(x) if self.norm == "pre" else x, after

    def compute_mask(self, x, mask=None):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "inner": self.inner,
            "activation": self.activation,
            "norm": self.norm,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "epsilon": self.epsilon,
            "causal": self.causal,
            "cross": self.cross,
            "seed": self.seed,
        }
