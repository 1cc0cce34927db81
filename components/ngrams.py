"""N-gram features: what a filter answers to each window of a text, pooled over the text."""

import keras
from keras import ops


def num_windows(length, width, stride=1, padding="same"):
    """How many windows a text of `length` >= 1 tokens has, a number or a tensor.

    floor((T + 2P - W) / S) + 1, where `same` adds 2P = W - 1 zeros in all and `valid` none; a text
    shorter than a `valid` window has one all the same.
    Source: Dumoulin and Visin 2016, https://arxiv.org/abs/1603.07285, relationship 6.
    """
    overhang = length - (width if padding == "valid" else 1)
    return ops.maximum(overhang, 0) // stride + 1


@keras.saving.register_keras_serializable("textmill")
class NGramFeatures(keras.layers.Layer):
    """The best, mean or k best matches of each n-gram filter in a text, after bias and relu.

    A window begins at every `stride`-th token (`valid`) or has such a token in its middle, of two
    the left (`same`). It counts if it lies in the text (`valid`) or its middle does (`same`); a
    text shorter than a `valid` window has one window, filled up with zeros. Padding, which stands
    at the right, is zeroed before the filters and kept out of the pool, so a text has the same
    features alone or in a padded batch. A text of no tokens has features 0.

    Call: (B, T, D) embeddings and an optional (B, T) mask -> (B, len(widths) * filters * k); or
        (U, D) embeddings of the distinct tokens of a batch, the padding first, and (B, T) places
        in them (see `components.distinct_tokens`).
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
        if padding not in ("valid", "same"):
            raise ValueError(f"padding must be `valid` or `same`. Received: {padding!r}")
        if pooling not in ("max", "average", "kmax"):
            raise ValueError(f"pooling must be `max`, `average` or `kmax`. Received: {pooling!r}")
        self.supports_masking = True
        self.widths, self.filters, self.padding = tuple(widths), filters, padding
        self.stride, self.pooling, self.k, self.seed = stride, pooling, k, seed

    def build(self, x_shape, **_):
        self.kernels = [
            self.add_weight(
                (width, x_shape[-1], self.filters),
                keras.initializers.GlorotUniform(self.seed + i),
                name=f"kernel_{width}",
            )
            for i, width in enumerate(self.widths)
        ]
        self.biases = [
            self.add_weight((self.filters,), "zeros", name=f"bias_{width}") for width in self.widths
        ]

    def call(self, x, mask=None, places=None):
        if places is not None:
            mask = ops.not_equal(places, 0)
            x = x * ops.cast(ops.arange(ops.shape(x)[0]) > 0, x.dtype)[:, None]
        elif mask is not None:
            x = x * ops.cast(mask, x.dtype)[..., None]
        else:
            mask = ops.ones(ops.shape(x)[:2], "bool")
        pooled = [
            self.pool(self.respond(x, places, kernel), self.windows(mask, width), bias)
            for width, kernel, bias in zip(self.widths, self.kernels, self.biases, strict=True)
        ]
        return ops.concatenate(pooled, axis=-1)

    def compute_mask(self, x, mask=None):
        return None  # the features have no time left to mask

    def respond(self, x, places, kernel):
        """The filters' answers, (B, N, filters), N = ceil(T / stride): one at every such token."""
        width, kernel = kernel.shape[0], ops.cast(kernel, x.dtype)
        left = 0 if self.padding == "valid" else (width - 1) // 2
        around = [[0, 0], [left, width - 1 - left]]
        if places is None:
            x = ops.pad(x, [*around, [0, 0]])
            return ops.conv(x, kernel, strides=self.stride, padding="valid")
        from components.distinct_tokens import responses

        return responses(x, ops.pad(places, around), kernel, self.stride)

    def windows(self, mask, width):
        """Which of the N windows count: (B, T) -> (B, N, 1)."""
        length = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
        count = num_windows(length, width, self.stride, self.padding)
        mask = mask[:, :: self.stride]
        return (mask & (ops.arange(ops.shape(mask)[1]) < count))[..., None]

    def pool(self, responses, counts, bias):
        """(B, N, filters), (B, N, 1), (filters,) -> (B, filters), or (B, k * filters)."""
        if self.pooling == "average":
            kept = ops.relu(responses + bias) * ops.cast(counts, responses.dtype)
            number = ops.maximum(ops.sum(ops.cast(counts, responses.dtype), axis=1), 1)
            return ops.sum(kept, axis=1) / number
        # Adding a bias and relu keep the order of the responses, so they can wait for the best.
        # relu also makes 0 of the -inf of a text that lacks windows.
        responses = responses + ops.cast(ops.where(counts, 0.0, -float("inf")), responses.dtype)
        if self.pooling == "max":
            return ops.relu(ops.max(responses, axis=1) + bias)
        # k more in the end, so that there are always k to choose from.
        ranked = ops.pad(responses, [[0, 0], [0, self.k], [0, 0]], constant_values=-float("inf"))
        best, places = ops.top_k(ops.transpose(ranked, (0, 2, 1)), self.k)  # (B, filters, k)
        best = ops.take_along_axis(best, ops.argsort(places, axis=-1), axis=-1)
        return ops.reshape(ops.relu(best + bias[:, None]), (-1, self.filters * self.k))

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
