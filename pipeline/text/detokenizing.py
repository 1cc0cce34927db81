"""Tokens back to texts in TensorFlow ops, as `pipeline.text.joining` does it in Python.

SentencePiece's texts are the same. Of other tokenizers a text has single spaces between its words,
where Python joins them as English prints them.
"""

from typing import Any

import tensorflow as tf


def continued(
    tokenizer: Any, texts: tf.Tensor, begun: tf.RaggedTensor, written: tf.RaggedTensor
) -> tf.Tensor:
    """Texts, (B,) string, with what was written behind them; a new line where another text begins.

    Args: begun, ragged (B, None) int32, the tokens of the texts; written, those that follow.
    """
    start = tokenizer.texts_of(begun)
    whole = lines(tokenizer, tf.concat([begun, written], axis=1))
    size = tf.strings.length(start)
    goes_on = tf.strings.substr(whole, tf.zeros_like(size), size) == start
    rest = tf.where(goes_on, tf.strings.substr(whole, size, tf.strings.length(whole)), whole)
    return tf.strings.join([tf.strings.regex_replace(texts, r"\s+$", ""), rest])


def lines(tokenizer: Any, ids: tf.RaggedTensor) -> tf.Tensor:
    """Ragged (B, None) int32 -> (B,) string, of which each line is a text of its own."""
    ends = tf.cast(ids.values == tokenizer.end_id, tf.int64)
    row = ids.value_rowids()
    number = 1 + tf.math.unsorted_segment_sum(ends, row, ids.nrows())
    # Lines before a token in all rows: those of the rows before it, and those in its own.
    line = row + tf.cumsum(ends, exclusive=True)
    kept = ends == 0
    texts = tf.RaggedTensor.from_value_rowids(ids.values[kept], line[kept], tf.reduce_sum(number))
    joined = tf.RaggedTensor.from_row_lengths(tokenizer.texts_of(texts), number)
    return tf.strings.reduce_join(joined, axis=1, separator="\n")
