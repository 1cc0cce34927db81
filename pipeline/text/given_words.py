"""Texts that come as lists of words: how a word is cleaned, and how many fit into a length."""

import tensorflow as tf

from configs.data import Text
from pipeline.text.cleaning import clean


def clean_word(words: tf.Tensor, settings: Text) -> tf.Tensor:
    """Clean single words: (N,) string -> (N,) string.

    Whitespace goes even where the settings keep it: a vocabulary has a word a line.
    """
    return clean(words, settings.model_copy(update={"whitespace": True}))


def cut(pieces: tf.RaggedTensor, max_length: int) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Join the ids of words, as many whole words as fit into `max_length`.

    Args: pieces, ragged (B, None, None) int32, one id a word at least. A word with more than
        `max_length` ids loses those.

    Returns:
        ids, and each kept word's first place in them, counted from 1: ragged (B, None) int32.
    """
    pieces = pieces[:, :, :max_length]
    ends = tf.cumsum(pieces.values.row_lengths())
    so_far = tf.concat([[0], ends], 0)
    before = tf.gather(so_far, tf.gather(pieces.row_starts(), pieces.value_rowids()))
    keep = ends - before <= max_length
    starts = tf.cast(so_far[:-1] - before + 1, tf.int32)
    kept = tf.ragged.boolean_mask(pieces.with_values(starts), pieces.with_values(keep))
    ids = kept.with_values(tf.ragged.boolean_mask(pieces.values, keep))
    return ids.merge_dims(1, 2), kept
