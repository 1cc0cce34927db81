"""Raw texts with [MASK] in them, in which it is the mask and not three tokens that spell it."""

from typing import Any

import tensorflow as tf


def masked_ids(tokenizer: Any, texts: tf.Tensor) -> tf.RaggedTensor:
    """(B,) string -> ragged (B, None) int32.

    What stands between two masks is read as a text by itself. Args: tokenizer, with a mask.
    """
    parts = tf.strings.split(texts, tokenizer.vocabulary[tokenizer.mask_id])
    ids = tokenizer.all_ids(parts.values)
    mask = tf.fill([ids.nrows(), 1], tokenizer.mask_id)
    # A mask after each part, the last one's taken away again.
    followed = parts.with_values(tf.concat([ids, mask], axis=1))
    return followed.merge_dims(1, 2)[:, :-1]
