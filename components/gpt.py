"""GPT: a causal Transformer that foretells each token from those before it."""

import keras
from keras import ops

from components.dot_product_attention import visible_tokens
from components.losses import mean_of_words


@keras.saving.register_keras_serializable("textmill")
class PackedTexts(keras.layers.Layer):
    """Which of the texts that stand one after the other in a row a token is of, and its place.

    Call: fresh (B, T) bool, where texts begin -> segments (B, T) int32, the number of the text from
        1, or from 2 where the row's first token begins one; positions (B, T) int32, from 0 in each
        text. What stands before the first beginning, the rest of an earlier text, is a text too.
    """

    def call(self, fresh):
        segments = 1 + ops.cumsum(ops.cast(fresh, "int32"), axis=1)
        # As many as stand before a token in its text: those that it may look at, but itself.
        seen = visible_tokens(ops.shape(fresh)[1], segments=segments, causal=True)
        return segments, ops.sum(ops.cast(seen[:, 0], "int32"), axis=-1) - 1

    def compute_mask(self, fresh, mask=None):
        return None


def gpt_language_model(embeddings, encoder, softmax, packed=True):
    """Join the pieces into a model that reads windows of text, which know nothing of each other.

    Call: {"ids" (B, T) int32, 0 where there is no token; "targets" (B, T) int32, the token that
        comes next; if packed, "fresh" (B, T) bool, where texts begin} -> {"losses" (B, T) float32;
        "hidden" (B, T, D), what the softmax reads}.
    Args: embeddings, the `TokenEmbeddings`; encoder, a causal `Transformer`; softmax, (B, T, D) and
        (B, T) targets to (B, T) losses, given the table of the embeddings if it is tied; packed,
        whether a row holds several texts that see nothing of each other; else it is one text.
    Sources: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training",
        section 3.1; Radford et al. 2019, "Language Models are Unsupervised Multitask Learners",
        section 2.3.
    """
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in ("ids", "targets")}
    segments = positions = None
    if packed:
        inputs["fresh"] = keras.Input((None,), dtype="bool", name="fresh")
        segments, positions = PackedTexts(name="packed")(inputs["fresh"])
    # Padding is at the right, where no token looks.
    hidden = encoder(embeddings(inputs["ids"], positions=positions), segments=segments)
    losses = softmax(hidden, inputs["targets"], **table_for(softmax, embeddings))
    return keras.Model(inputs, {"losses": losses, "hidden": hidden}, name="gpt")


def gpt_classifier(embeddings, encoder, pool, head, softmax=None, auxiliary=0.0):
    """One answer for a text, or for two in one sequence, from what its last token knows.

    Call: {"ids" (B, T) int32, sequences between a start and an end, padded with 0; "types", which
        goes unread: the token between two texts tells them apart} -> {"logits" (B, C) float32; with
        a softmax "penalty" (B,) float32, `auxiliary` times the mean loss of foretelling a text's
        own tokens}.
    Args: embeddings, encoder, softmax, as of `gpt_language_model`; pool, (x, mask=) -> (B, F) and a
        dict of extras; head, (B, F) to (B, C); auxiliary, lambda.
    Source: Radford et al. 2018, sections 3.2 and 3.3, equation 5; the mean over a text's tokens is
        that of its code, https://github.com/openai/finetune-transformer-lm, `train.py`.
    """
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in ("ids", "types")}
    ids = inputs["ids"]
    mask = ops.not_equal(ids, 0)
    hidden = encoder(embeddings(ids), mask=mask)
    features, extras = pool(hidden, mask=mask)
    outputs = {"logits": head(features), **extras}
    if softmax is not None:
        following = ops.pad(ids[:, 1:], ((0, 0), (0, 1)))
        losses = softmax(hidden, following, **table_for(softmax, embeddings))
        outputs["penalty"] = auxiliary * mean_of_words(losses, ops.not_equal(following, 0))
    return keras.Model(inputs, outputs, name="gpt")


def table_for(softmax, embeddings):
    """What a softmax is given besides: the tokens' vectors, if it is tied to them."""
    return {"table": embeddings.table} if softmax.tied else {}
