"""Attention with several heads: of a text to itself, or to a memory such as another text."""

import keras
from keras import ops

from components.dot_product_attention import dot_product_attention
from components.linear import linear


@keras.saving.register_keras_serializable("textmill")
class MultiHeadAttention(keras.layers.Layer):
    """[head_1; ...; head_H] W_o + b_o, where each head attends with queries, keys and values that
    are K = D / H linear functions of x, or keys and values such functions of a memory.

    The heads' kernels stand side by side in one, so that one product makes them all. What it made
    of tokens that were read before can be kept in a cache, of L places a text: then x holds only
    the tokens that come next, and `place` says where in the cache they go.

    Call: x (B, T, D) and a bias that broadcasts to (B, H, T, T'), T' the tokens looked at -> (B, T,
        D) and a dict of what was asked for. With `cross`: memory (B, T', D), or what `read_memory`
        made of it. With cache, keys and values of (B, H, L, K), and place (B, T) int: "cache", the
        new one; T' is L. With return_weights: "weights", (B, H, T, T') float32.
    Args: num_heads, H; cross, whether it looks at a memory instead of x; dropout, rate of the
        weights; seed, also of the first weights.
    Raises: ValueError if H does not divide D.
    Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.2.2.
    """

    def __init__(self, num_heads, cross=False, dropout=0.0, seed=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.num_heads, self.cross, self.dropout, self.seed = num_heads, cross, dropout, seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, x_shape, **_):
        width = x_shape[-1]
        if width % self.num_heads:
            raise ValueError(
                f"the heads share the width evenly. Received: {self.num_heads} heads, width {width}"
            )
        names = {"query": 1, "key_value": 2} if self.cross else {"qkv": 3}
        self.maps = {}
        for n, (name, parts) in enumerate({**names, "output": 1}.items()):
            kernel = self.add_weight(
                (width, parts * width), first_weights(width, self.seed + n), name=f"{name}_kernel"
            )
            bias = self.add_weight((parts * width,), "zeros", name=f"{name}_bias")
            self.maps[name] = (kernel, bias)

    def call(
        self,
        x,
        bias=None,
        memory=None,
        cache=None,
        place=None,
        return_weights=False,
        training=None,
    ):
        more = {}
        if self.cross:
            (query,) = self.heads(x, "query", training)
            if not isinstance(memory, tuple):
                memory = self.read_memory(memory, training)
            keys, values = memory
        else:
            query, keys, values = self.heads(x, "qkv", training)
        if cache is not None:
            keys, values = written(cache[0], keys, place), written(cache[1], values, place)
            more["cache"] = (keys, values)
        dropout = self.dropout if training else 0.0
        contexts, weights = dot_product_attention(
            query, keys, values, bias, dropout, self.generator
        )
        if return_weights:
            more["weights"] = weights
        return self.joined(contexts, training), more

    def read_memory(self, memory, training=False):
        """Keys and values of a memory, (B, T', D) -> two of (B, H, T', K)."""
        return tuple(self.heads(memory, "key_value", training))

    def heads(self, x, name, training):
        """(B, T, D) -> as many (B, H, T, K) as the map makes, one to three."""
        _, length, width = ops.shape(x)
        rows = self.mapped(ops.reshape(x, (-1, width)), name, training)
        parts = rows.shape[1] // width
        shape = (-1, length, parts, self.num_heads, width // self.num_heads)
        # Taking the tensor apart whole: the gradient of an index fills up a tensor with zeros.
        return ops.unstack(ops.transpose(ops.reshape(rows, shape), (2, 0, 3, 1, 4)), parts)

    def joined(self, contexts, training):
        """(B, H, T, K) -> (B, T, D)."""
        _, heads, length, width = ops.shape(contexts)
        rows = ops.reshape(ops.transpose(contexts, (0, 2, 1, 3)), (-1, heads * width))
        return ops.reshape(self.mapped(rows, "output", training), (-1, length, heads * width))

    def mapped(self, rows, name, training):
        return linear(ops.cast(rows, self.compute_dtype), *self.maps[name], training)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "cross": self.cross,
            "dropout": self.dropout,
            "seed": self.seed,
        }


def first_weights(width, seed):
    """Of BERT and GPT: normal with a standard deviation of 0.02, cut at two of them (GPT does not
    cut), at the width of 768 that both have, and in proportion to 1 / sqrt(width) at others.

    Products then begin as large at any width. With 0.02 a narrow model's attention begins so even
    that it learns for thousands of steps to look anywhere (benchmarks/results.md).
    """
    return keras.initializers.TruncatedNormal(0.0, first_deviation(width), seed)


def first_deviation(width):
    return 0.02 * (768 / width) ** 0.5


def written(old, new, place):
    """A cache, (B, H, L, K), with new tokens, (B, H, T, K), at their places, (B, T).

    Rows may have filled their cache to different places, and its shape stays the same, so that a
    loop can carry it; TensorFlow then writes into the old one instead of copying it. What lies
    beyond the cache goes to its last place, which is for that.
    """
    rows, heads, length, width = ops.shape(old)
    first = ops.reshape(ops.arange(rows * heads) * length, (rows, heads, 1))
    index = first + ops.minimum(place, length - 1)[:, None]  # (B, H, T)
    old_rows, new_rows = ops.reshape(old, (-1, width)), ops.reshape(new, (-1, width))
    found = ops.scatter_update(old_rows, ops.reshape(index, (-1, 1)), new_rows)
    return ops.reshape(found, (rows, heads, length, width))
