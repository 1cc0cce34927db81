"""The text CNN: word vectors, the best match of each n-gram filter, a linear head."""

import keras
from keras import ops


def text_cnn(embeddings, features, head, distinct=False):
    """Join the three pieces into a model that takes a batch of padded token ids.

    The padding id is 0; padding never changes the logits.

    Call: {"ids": (B, T) int32} -> {"logits": (B, C) float32}.
    Args: embeddings, (B, T) ids to (B, T, D); features, (B, T, D) and a (B, T) mask to (B, F);
        head, (B, F) to (B, C); distinct, whether to embed and convolve each distinct token of a
        batch once, which needs TensorFlow without XLA and is much faster on a CPU.
    Source: Kim 2014, https://arxiv.org/abs/1408.5882, figure 1.
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    if distinct:
        from components.distinct_tokens import DistinctTokens

        tokens, places = DistinctTokens(name="distinct")(ids)
        x = features(embeddings(tokens), places=places)
    else:
        x = features(embeddings(ids), mask=ops.not_equal(ids, 0))
    return keras.Model({"ids": ids}, {"logits": head(x)}, name="text_cnn")
