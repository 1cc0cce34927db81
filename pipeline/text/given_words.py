"""Texts that come as lists of words: how a word is cleaned, and how many fit into a length."""

import tensorflow as tf

from configs.data import Text
from pipeline.text.cleaning import clean


def clean_word(words: tf.Tensor, settings: Text) -> tf.Tensor:
    """Clean single words: (N,) string -> (N,) string.

    Whitespace goes even where the settings keep it: a vocabulary has a word a line.
    """
    return clean(words, settings.model_copy(update={"whitespace": True}))


def cut(
    words: tf.RaggedTensor, pieces: tf.RaggedTensor, max_length: int, unknown_id: int
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Join the ids of words, as many whole words as fit into `max_length`.

    Args:
        words: ragged (B, None), of which only the shape matters; pieces: ragged (N, None) int32,
            the ids of each of these words. A word without any gets `unknown_id`.

    Returns:
        ids, and each kept word's first place in them, counted from 1: ragged (B, None) int32.
    """
    none = tf.cast(pieces.row_lengths() == 0, tf.int64)
    unknown = tf.RaggedTensor.from_row_lengths(tf.repeat(unknown_id, tf.reduce_sum(none)), none)
    pieces = tf.concat([pieces[:, :max_length], unknown], axis=1)
    ends = tf.cumsum(pieces.row_lengths())
    so_far = tf.concat([[0], ends], 0)
    before = tf.gather(so_far, tf.gather(words.row_starts(), words.value_rowids()))
    keep = ends - before <= max_length
    starts = tf.cast(so_far[:-1] - before + 1, tf.int32)
    kept = tf.ragged.boolean_mask(words.with_values(starts), words.with_values(keep))
    ids = kept.with_values(tf.ragged.boolean_mask(pieces, keep))
    return ids.merge_dims(1, 2), kept
