"""From each token's features to the answer of a question: where it begins, and where it ends."""

import keras
from keras import ops

from components.multi_head_attention import first_weights

CLOSED = -1e9  # the logit of a place that no answer has


@keras.saving.register_keras_serializable("textmill")
class SpanHead(keras.layers.Layer):
    """Two scores for each token: that the answer begins with it, and that it ends with it.

    The first place, [CLS], stands for no answer and is always open.

    Call: (B, T, D) features and a (B, T) mask of the context's tokens, None for all ->
        {"start_logits": (B, T), "end_logits": (B, T)}, float32.
    Args: seed, of the first weights.
    Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, sections 4.2 and 4.3.
    """

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.seed = seed

    def build(self, x_shape, mask_shape=None):
        start = first_weights(x_shape[-1], self.seed)
        self.scores = keras.layers.Dense(
            2, kernel_initializer=start, dtype="float32", name="scores"
        )
        self.scores.build(x_shape)

    def call(self, x, mask=None):
        start, end = ops.unstack(self.scores(x), 2, axis=-1)
        if mask is not None:
            first = ops.arange(ops.shape(x)[1]) == 0
            open_ = ops.logical_or(mask, first)
            start, end = (ops.where(open_, logits, CLOSED) for logits in (start, end))
        return {"start_logits": start, "end_logits": end}

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def span_loss(outputs, spans):
    """-ln p(first token) and -ln p(last token) of the right answers, their mean: (B,) float32.

    Args: outputs, of the head; spans, (B, 2) int, the places of these two tokens, both 0 where the
        window has no answer.
    Source: google-research/bert, run_squad.py, which takes the mean too.
    """
    return (
        _cross_entropy(outputs["start_logits"], spans[:, 0])
        + _cross_entropy(outputs["end_logits"], spans[:, 1])
    ) / 2


def _cross_entropy(logits, places):
    log_chances = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    right = ops.take_along_axis(log_chances, ops.cast(places, "int32")[:, None], axis=-1)
    return -ops.squeeze(right, -1)
