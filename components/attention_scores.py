"""How well each key answers each query, six ways, and the weights that follow from it."""

import keras
from keras import ops

LOWEST = -1e30  # finite, so that it times 0 is 0; only ever used in float32

KINDS = ("dot", "scaled_dot", "general", "additive", "concat", "location")


def masked_softmax(scores, mask=None):
    """Weights over the last axis, 0 where the mask is false, all 0 where it is false everywhere.

    (..., T) scores and a mask that broadcasts to them -> (..., T) float32. The gradient of what is
    masked is 0 too.
    """
    scores = ops.cast(scores, "float32")
    if mask is None:
        return _softmax(scores)
    weights = _softmax(ops.where(mask, scores, LOWEST))
    return ops.where(mask, weights, 0.0)


def _softmax(scores):
    if scores.shape[-1] == 1:  # a text of one token, which Keras would warn of as a mistake
        return 0.0 * scores + 1.0
    return ops.softmax(scores, axis=-1)


@keras.saving.register_keras_serializable("textmill")
class Scores(keras.layers.Layer):
    """A score of each of T keys for each of Q queries.

    | kind       | score of key k for query q          | source                            |
    |------------|-------------------------------------|-----------------------------------|
    | dot        | q . k                               | Luong 2015, section 3.1           |
    | scaled_dot | q . k / sqrt(D)                     | Vaswani 2017, section 3.2.1       |
    | general    | q W k                               | Luong 2015, section 3.1           |
    | additive   | v . tanh(q W + k U)                 | Bahdanau 2015, appendix A.1.2     |
    | concat     | v . tanh([q; k] W)                  | Luong 2015, section 3.1           |
    | location   | q W, one column for each position   | Luong 2015, equation 8            |

    Additive and concat are the same function; they differ in how large their first weights are.
    Both hold B * Q * T * units numbers at once. As in Luong's footnote, `location` uses as many
    columns as the text has tokens, and tokens from `max_length` on are ignored: their score is
    -1e30.

    Call: (B, Q, D) query and (B, T, K) keys -> (B, Q, T) float32.
    Args: kind; units, inner width of additive and concat; max_length, positions of location;
        seed, of the first weights.
    Raises: ValueError for another kind, and for dot and scaled_dot unless D = K.
    Sources: Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473; Luong et al. 2015,
        https://arxiv.org/abs/1508.04025; Vaswani et al. 2017, https://arxiv.org/abs/1706.03762.
    """

    def __init__(self, kind="dot", units=128, max_length=512, seed=0, **kwargs):
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}. Received: {kind!r}")
        self.kind, self.units, self.max_length, self.seed = kind, units, max_length, seed

    def build(self, query_shape, keys_shape):
        query, key = query_shape[-1], keys_shape[-1]
        shapes = {
            "dot": {},
            "scaled_dot": {},
            "general": {"kernel": (query, key)},
            "additive": {"query_kernel": (query, self.units), "key_kernel": (key, self.units)},
            "concat": {"kernel": (query + key, self.units)},
            "location": {"kernel": (query, self.max_length)},
        }[self.kind]
        if self.kind in ("additive", "concat"):
            shapes["vector"] = (self.units, 1)
        elif self.kind in ("dot", "scaled_dot") and query != key:
            raise ValueError(
                f"`{self.kind}` needs queries as wide as keys; use `general` for others. "
                f"Received: widths {query} and {key}"
            )
        for i, (name, shape) in enumerate(shapes.items()):
            start = keras.initializers.GlorotUniform(self.seed + i)
            setattr(self, name, self.add_weight(shape, start, name=name))

    def call(self, query, keys):
        match self.kind:
            case "dot":
                scores = _products(query, keys)
            case "scaled_dot":
                scores = _products(query * query.shape[-1] ** -0.5, keys)
            case "general":
                scores = _products(ops.matmul(query, self.kernel), keys)
            case "additive":
                scores = self.compare(query, self.query_kernel, keys, self.key_kernel)
            case "concat":
                width = query.shape[-1]
                scores = self.compare(query, self.kernel[:width], keys, self.kernel[width:])
            case "location":
                return self.locate(query, ops.shape(keys)[1])
        return ops.cast(scores, "float32")

    def compare(self, query, query_kernel, keys, key_kernel):
        """Each query with each key, after a layer of `units` tanh units."""
        query, keys = ops.matmul(query, query_kernel), ops.matmul(keys, key_kernel)
        hidden = ops.tanh(query[:, :, None] + keys[:, None])  # (B, Q, T, units)
        return ops.matmul(hidden, self.vector)[..., 0]

    def locate(self, query, length):
        """The first `length` of the scores of all positions: (B, Q, length)."""
        scores = ops.cast(ops.matmul(query, self.kernel), "float32")
        missing = ops.maximum(length - self.max_length, 0)
        return ops.pad(scores, [[0, 0], [0, 0], [0, missing]], constant_values=LOWEST)[..., :length]

    def get_config(self):
        return {
            **super().get_config(),
            "kind": self.kind,
            "units": self.units,
            "max_length": self.max_length,
            "seed": self.seed,
        }


def _products(query, keys):
    return ops.einsum("bqd,btd->bqt", query, keys)
