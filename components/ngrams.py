"""N-gram features: what a filter answers to each window of a text, pooled over the text."""

import keras
from keras import ops


def num_windows(length, width, stride=1, padding="same"):
    """How many windows a text of `length` >= 1 tokens has.

    floor((T + 2P - W) / S) + 1, where `same` pads 2P = W - 1 in all and `valid` nothing; a text
    shorter than a `valid` window has one all the same. Numbers or tensors.
    Source: Dumoulin and Visin 2016, https://arxiv.org/abs/1603.07285, relationship 6.
    """
    overhang = length - width if padding == "valid" else length - 1
    return ops.maximum(overhang, 0) // stride + 1


@keras.saving.register_keras_serializable("textmill")
class NGramFeatures(keras.layers.Layer):
    """The best, mean or k best matches of each n-gram filter in a text.

    A window starts at every `stride`-th token (`valid`) or has such a token in its middle, the
    left one of two (`same`). It counts if it lies in the text, or if its middle does; a text
    shorter than a `valid` window has one window, the text and zeros after it. Padding, which
    stands at the right, is zeroed before the filters and kept out of the pool after them, so a
    text has the same features alone or in a padded batch. A text of no tokens has features 0.

    Call: (B, T, D) embeddings and an optional (B, T) mask -> (B, len(widths) * filters * k).
    Args: widths, window lengths in tokens; filters, filters per width; padding, `valid` or
        `same`; stride; pooling, `max`, `average` or `kmax`; k, how many maxima `kmax` keeps, in
        the order of the text, 0 for those that a short text lacks; seed, of the first weights.
    Sources: Kim 2014, https://arxiv.org/abs/1408.5882, section 2; k-max: Kalchbrenner et al.
        2014, https://arxiv.org/abs/1404.2188, section 3.2.
    """

    def __init__(
        self,
        widths=(3, 4, 5),
        filters=100,
        padding="same",
        stride=1,
        pooling="max",
        k=1,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        if padding not in ("valid", "same"):
            raise ValueError(f"padding must be `valid` or `same`. Received: {padding!r}")
        if pooling not in ("max", "average", "kmax"):
            raise ValueError(f"pooling must be `max`, `average` or `kmax`. Received: {pooling!r}")
        self.widths, self.filters, self.padding = tuple(widths), filters, padding
        self.stride, self.pooling, self.k, self.seed = stride, pooling, k, seed
        self.convolutions = [
            keras.layers.Conv1D(
                filters,
                width,
                strides=stride,
                activation="relu",
                kernel_initializer=keras.initializers.GlorotUniform(seed + i),
                dtype=self.dtype_policy,
                name=f"width_{width}",
            )
            for i, width in enumerate(self.widths)
        ]

    def build(self, input_shape):
        for convolution in self.convolutions:
            convolution.build(input_shape)
        self.built = True

    def call(self, x, mask=None):
        mask = ops.ones(ops.shape(x)[:2], "bool") if mask is None else ops.cast(mask, "bool")
        x = x * ops.cast(mask[..., None], x.dtype)
        pooled = [self.pool(*self.respond(x, mask, c)) for c in self.convolutions]
        return ops.concatenate(pooled, axis=-1)

    def compute_mask(self, x, mask=None):
        return None  # the features have no time left to mask

    def respond(self, x, mask, convolution):
        """(B, T, D), (B, T) -> responses (B, T / stride, filters), which of them count (.., 1)."""
        width = convolution.kernel_size[0]
        left = 0 if self.padding == "valid" else (width - 1) // 2
        # Enough zeros for a window at every token, so that the tensor's length is that of a text
        # alone or padded, and a text of one token has its window.
        responses = convolution(ops.pad(x, [[0, 0], [left, width - 1 - left], [0, 0]]))
        length = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
        count = num_windows(length, width, self.stride, self.padding)
        counts = mask[:, :: self.stride] & (ops.arange(ops.shape(responses)[1]) < count)
        return responses, counts[..., None]

    def pool(self, responses, counts):
        """(B, N, filters), (B, N, 1) -> (B, filters), or (B, k * filters)."""
        # relu makes every response >= 0, so a zeroed one never wins the maximum.
        kept = responses * ops.cast(counts, responses.dtype)
        if self.pooling == "max":
            return ops.max(kept, axis=1)
        if self.pooling == "average":
            number = ops.maximum(ops.sum(ops.cast(counts, "float32"), axis=1), 1.0)
            return ops.sum(kept, axis=1) / ops.cast(number, kept.dtype)
        # -1 ranks a window that does not count, or k more at the end, below every one that does.
        ranked = ops.where(counts, responses, ops.cast(-1.0, responses.dtype))
        ranked = ops.pad(ranked, [[0, 0], [0, self.k], [0, 0]], constant_values=-1.0)
        values, places = ops.top_k(ops.transpose(ranked, (0, 2, 1)), self.k)  # (B, filters, k)
        values = ops.take_along_axis(values, ops.argsort(places, axis=-1), axis=-1)
        return ops.reshape(ops.relu(values), (-1, self.filters * self.k))

    def get_config(self):
        return {
            **super().get_config(),
            "widths": self.widths,
            "filters": self.filters,
            "padding": self.padding,
            "stride": self.stride,
            "pooling": self.pooling,
            "k": self.k,
            "seed": self.seed,
        }
