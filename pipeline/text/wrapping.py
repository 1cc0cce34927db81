"""Texts as BERT reads them: one sequence, `[CLS] text [SEP]` or `[CLS] text [SEP] second [SEP]`.

In TensorFlow ops, the same when data are loaded and in the SavedModel.
Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, section 3 and appendix A.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from pipeline.text.given_words import cut
from pipeline.text.special import edges


class Wrapping(NamedTuple):
    """How sequences are made.

    Args: max_length, of a sequence, in tokens; start_id, end_id, the ids of [CLS] and [SEP].
    """

    max_length: int
    start_id: int
    end_id: int

    def room(self, texts: int) -> int:
        """How many tokens are left for the texts."""
        return self.max_length - 1 - texts


def wrapping(tokenizer: Any) -> Wrapping:
    """
    Raises:
        JobError: the vocabulary has no [CLS] or no [SEP].
    """
    start, end = edges(tokenizer, "between which a bert or gpt reads its texts")
    return Wrapping(tokenizer.settings.max_length, start, end)


def wrapped(
    how: Wrapping, first: tf.RaggedTensor, second: tf.RaggedTensor | None = None
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Ids of texts, and of pairs of their second ones, ragged (B, None) int32 -> their sequences.

    Of a pair that is too long BERT takes the last token of the longer text away, of the second one
    where they are equally long, until both fit (google-research/bert, `_truncate_seq_pair`). A text
    is then as long as the other one leaves room for, or as half of the room.

    Returns:
        ids; types, 0 up to the first [SEP], then 1: ragged (B, None) int32.
    """
    rows = first.nrows()
    start, end = (tf.fill([rows, 1], special) for special in (how.start_id, how.end_id))
    if second is None:
        ids = tf.concat([start, first[:, : how.room(1)], end], axis=1)
        return ids, tf.zeros_like(ids)
    room = how.room(2)
    left = [room - text.row_lengths() for text in (second, first)]
    half = room // 2
    first = leading(first, tf.maximum(left[0], room - half))
    second = leading(second, tf.maximum(left[1], half))
    parts = tf.concat([start, first, end], axis=1), tf.concat([second, end], axis=1)
    types = tf.zeros_like(parts[0]), tf.ones_like(parts[1])
    return tf.concat(parts, axis=1), tf.concat(types, axis=1)


def wrapped_words(
    how: Wrapping, pieces: tf.RaggedTensor
) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
    """Ids of words, ragged (B, None, None) int32 -> the sequences of as many words as fit whole.

    Returns:
        ids and types, as of `wrapped`; starts, the place of each word's first token, counted from
        1: ragged (B, None) int32.
    """
    ids, starts = cut(pieces, how.room(1))
    return *wrapped(how, ids), starts + 1


def leading(texts: tf.RaggedTensor, most: tf.Tensor) -> tf.RaggedTensor:
    """The first tokens of each text, at most as many as (B,) int64 `most` says."""
    starts = texts.row_starts()
    places = tf.ragged.range(starts, starts + tf.minimum(texts.row_lengths(), most))
    return places.with_values(tf.gather(texts.values, places.values))
