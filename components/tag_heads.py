"""From each word's features to its tag: the heads of a tagger, their loss and their answers."""

import keras
from keras import ops

from components import crf
from components.heads import LinearHead

BLOCKED = -1e4  # the score of what a scheme forbids: more than any logits make up for


@keras.saving.register_keras_serializable("textmill")
class SoftmaxTagHead(keras.layers.Layer):
    """Dropout, then a score for each tag, of each word by itself.

    Call: (B, T, D) features -> {"logits": (B, T, num_outputs)}, float32.
    Args: num_outputs; dropout, rate on the features in training; seed, of the dropout and of the
        first weights.
    """

    def __init__(self, num_outputs, dropout=0.5, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.num_outputs, self.dropout, self.seed = num_outputs, dropout, seed
        self.scores = LinearHead(
            num_outputs, dropout, max_norm=None, seed=seed, dtype=self.dtype_policy, name="scores"
        )

    def build(self, input_shape):
        self.scores.build(input_shape)

    def call(self, x, training=None):
        return {"logits": self.scores(x, training=training)}

    def get_config(self):
        return {
            **super().get_config(),
            "num_outputs": self.num_outputs,
            "dropout": self.dropout,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable("textmill")
class CrfHead(keras.layers.Layer):
    """A score for each tag of each word, and for each pair of neighbouring tags.

    What does not depend on the text is repeated for each row, so that the outputs can be cut by
    rows and gathered like any others. It starts at zero, where this head is the softmax one.

    Call: (B, T, D) features -> {"logits": (B, T, C), "transitions": (B, C, C), from row to column,
        "first": (B, C), "last": (B, C)}, float32, with C = num_outputs.
    Args: as of SoftmaxTagHead.
    Source: Lample et al. 2016, https://arxiv.org/abs/1603.01360, section 2.2.
    """

    def __init__(self, num_outputs, dropout=0.5, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.num_outputs, self.dropout, self.seed = num_outputs, dropout, seed
        self.scores = LinearHead(
            num_outputs, dropout, max_norm=None, seed=seed, dtype=self.dtype_policy, name="scores"
        )

    def build(self, input_shape):
        self.scores.build(input_shape)
        c = self.num_outputs
        # Without autocast, which would round them to the 8 bits of a mantissa in bfloat16.
        kinds = {"initializer": "zeros", "autocast": False}
        self.transitions = self.add_weight((c, c), name="transitions", **kinds)
        self.first = self.add_weight((c,), name="first", **kinds)
        self.last = self.add_weight((c,), name="last", **kinds)

    def call(self, x, training=None):
        rows, c = ops.shape(x)[0], self.num_outputs
        return {
            "logits": self.scores(x, training=training),
            "transitions": ops.broadcast_to(self.transitions, (rows, c, c)),
            "first": ops.broadcast_to(self.first, (rows, c)),
            "last": ops.broadcast_to(self.last, (rows, c)),
        }

    def get_config(self):
        return {
            **super().get_config(),
            "num_outputs": self.num_outputs,
            "dropout": self.dropout,
            "seed": self.seed,
        }


def tag_loss(outputs, tags, mask):
    """-ln p(tags) by a text's number of words, (B,); 0 for a text of no words.

    Args: outputs, of a head; tags, (B, T) int; mask, (B, T), true for words, which stand at the
        left.
    """
    if "transitions" in outputs:
        losses = crf.negative_log_likelihood(outputs["logits"], mask, tags, *_chain(outputs))
    else:
        logits = ops.where(mask[..., None], ops.cast(outputs["logits"], "float32"), 0.0)
        tags = ops.where(mask, ops.cast(tags, "int32"), 0)
        right = ops.take_along_axis(ops.log_softmax(logits), tags[..., None], axis=-1)[..., 0]
        losses = -ops.sum(ops.where(mask, right, 0.0), axis=1)
    return losses / ops.maximum(ops.sum(ops.cast(mask, "float32"), axis=1), 1.0)


def decode(outputs, mask, allowed=None):
    """The best tags of each text, (B, T) int32, and the probability of each, (B, T); 0 at padding.

    With a CRF that is the best sequence, and the marginal probability of each of its tags.
    Args: outputs, mask, as in `tag_loss`; allowed, (C, C), (C,), (C,) bool: which tag may follow
        which, stand first, stand last. What is not allowed has probability 0, with either head.
    """
    if "transitions" not in outputs and allowed is None:
        chances = ops.softmax(ops.cast(outputs["logits"], "float32"))
        tags, chance = ops.cast(ops.argmax(chances, axis=-1), "int32"), ops.max(chances, axis=-1)
        return ops.where(mask, tags, 0), ops.where(mask, chance, 0.0)
    chain = _chain(outputs)
    if allowed is not None:
        chain = [
            scores + ops.where(ops.convert_to_tensor(may, "bool"), 0.0, BLOCKED)
            for scores, may in zip(chain, allowed, strict=True)
        ]
    tags = crf.viterbi(outputs["logits"], mask, *chain)
    chances = crf.marginals(outputs["logits"], mask, *chain)
    return tags, ops.take_along_axis(chances, tags[..., None], axis=-1)[..., 0]


def _chain(outputs):
    """Transitions, first and last, which are the same in each row; zeros of a head without."""
    if "transitions" in outputs:
        return [outputs[name][0] for name in ("transitions", "first", "last")]
    c = outputs["logits"].shape[-1]
    return [ops.zeros(shape, "float32") for shape in ((c, c), (c,), (c,))]
