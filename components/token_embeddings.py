"""What a Transformer reads: a token's own vector, its place's and its type's, added up."""

import keras
from keras import ops

from components.dropouts import dropped
from components.layer_norm import normed
from components.multi_head_attention import first_deviation, first_weights
from components.positions import sinusoids


@keras.saving.register_keras_serializable("textmill")
class TokenEmbeddings(keras.layers.Layer):
    """norm(token + position + type), then dropout.

    Sinusoidal positions are as large as 1. Beside them tokens are multiplied by sqrt(D) and start
    with a standard deviation of 1 / sqrt(D), so that they are too. Learned positions of a sum that
    is normed start as sinusoids as large as tokens: to look at the word before is then one thing to
    learn for all places, and not one for each.

    Call: ids (B, T) int; types (B, T) int, 0 if None; positions (B, T) or (T,) int, from 0 on if
        None -> (B, T, D).
    Args: vocabulary_size, V; width, D; max_length, of the table of learned positions; num_types,
        0 for none; positions, `learned` or `sinusoidal`; norm, whether the sum is normed, as in
        BERT and not in GPT; dropout; epsilon, of the norm; seed.
    Raises: ValueError for other kinds of positions, and for more tokens than learned positions.
    Sources: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, figure 2; sinusoidal: Vaswani et
        al. 2017, https://arxiv.org/abs/1706.03762, sections 3.4 and 3.5.
    """

    def __init__(
        self,
        vocabulary_size,
        width,
        max_length=512,
        num_types=0,
        positions="learned",
        norm=True,
        dropout=0.1,
        epsilon=1e-12,
        seed=0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        if positions not in ("learned", "sinusoidal"):
            raise ValueError(
                f"positions must be `learned` or `sinusoidal`. Received: {positions!r}"
            )
        self.vocabulary_size, self.width, self.max_length = vocabulary_size, width, max_length
        self.num_types, self.positions, self.norm = num_types, positions, norm
        self.dropout, self.epsilon, self.seed = dropout, epsilon, seed
        self.generator = keras.random.SeedGenerator(seed)
        if norm:
            self.normalize = keras.layers.LayerNormalization(
                epsilon=epsilon, dtype=self.dtype_policy, name="norm"
            )

    @property
    def first_ids(self):
        """By name, the weight with a row for each token, and the id of its first row."""
        return {"table": 0}

    def build(self, ids_shape, **_):
        start = first_weights(self.width, self.seed)
        if self.positions == "sinusoidal":
            start = keras.initializers.RandomNormal(0.0, self.width**-0.5, self.seed)
        self.table = self.vectors("table", self.vocabulary_size, start)
        if self.positions == "learned":
            # Without the norm, as in GPT, tiny models learned slower from sinusoids.
            start = first_positions if self.norm else first_weights(self.width, self.seed + 1)
            self.position_table = self.vectors("positions", self.max_length, start)
        if self.num_types:
            start = first_weights(self.width, self.seed + 2)
            self.type_table = self.vectors("types", self.num_types, start)
        if self.norm:
            self.normalize.build((*ids_shape, self.width))

    def vectors(self, name, number, start):
        # In float32, else the gradients of a token's places would be summed in 16 bits.
        return self.add_weight((number, self.width), start, name=name, autocast=False)

    def call(self, ids, types=None, positions=None, training=None):
        x = ops.take(self.table, ids, axis=0)
        if positions is None:
            positions = self.counted(ids)
        if self.positions == "sinusoidal":
            x = x * self.width**0.5 + sinusoids(positions, self.width)
        else:
            x = x + ops.take(self.position_table, positions, axis=0)
        if self.num_types:
            types = ops.zeros_like(ids[:1]) if types is None else types
            # A product, for its gradient: it sums over the tokens of a few types.
            x = x + ops.matmul(ops.one_hot(types, self.num_types), self.type_table)
        x = normed(self.normalize, x, training) if self.norm else x
        return dropped(
            ops.cast(x, self.compute_dtype), self.dropout if training else 0.0, self.generator
        )

    def counted(self, ids):
        """The positions of tokens that are one text a row, (T,)."""
        length = ids.shape[1]
        if self.positions == "learned" and length is not None and length > self.max_length:
            raise ValueError(
                f"there are {self.max_length} learned positions. Received: texts of {length} tokens"
            )
        return ops.arange(ops.shape(ids)[1])

    def compute_mask(self, ids, mask=None):
        return None

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "width": self.width,
            "max_length": self.max_length,
            "num_types": self.num_types,
            "positions": self.positions,
            "norm": self.norm,
            "dropout": self.dropout,
            "epsilon": self.epsilon,
            "seed": self.seed,
        }


def first_positions(shape, dtype=None):
    """(length, width) -> as many sinusoids, whose mean square is the variance of first weights."""
    length, width = shape
    waves = sinusoids(ops.arange(length), width + width % 2)[:, :width]
    return ops.cast(waves * (first_deviation(width) * 2.0**0.5), dtype)
