"""The tokens of raw texts, and where in the texts each of them stands.

Texts are cut at whitespace before they are cleaned, so that each word knows its place. Cleaning
leaves most words as many characters as they had: then each token has its own place. Of a word that
gets longer or shorter (`é` of two code points, `&amp;`) each token has the place of the whole word.
"""

from typing import Any

import tensorflow as tf

from configs.data import Text
from pipeline.text.given_words import clean_word
from pipeline.text.spans import spans


def token_places(
    texts: tf.Tensor, settings: Text, encoder: Any
) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
    """(B,) string -> ids, begins, ends: ragged (B, None) int32.

    A text in Python, where bytes that are no UTF-8 are U+FFFD, has a token at [begin:end]. The ids
    are those of the whole text, save that the character tokenizer leaves out the spaces.

    Args: encoder, of `pipeline.text.encoders`.
    """
    words, word_begins, word_ends = spans(texts, settings, encoder.single_words)
    different, which = tf.unique(words.flat_values)
    cleaned = clean_word(different, settings)
    ids, begins, ends = encoder.offsets(cleaned)
    same_size = _size(different) == _size(cleaned)
    own = tf.gather(same_size, ids.value_rowids())
    begins, ends = (
        tf.gather(ids.with_values(_in_characters(places, cleaned)), which)
        for places in (begins, ends)
    )
    own, ids = tf.gather(ids.with_values(own), which), tf.gather(ids, which)
    word = ids.value_rowids()
    first = tf.gather(word_begins.flat_values, word)
    begins = tf.where(own.values, first + begins.values, first)
    ends = tf.where(own.values, first + ends.values, tf.gather(word_ends.flat_values, word))
    found = (ids, ids.with_values(begins), ids.with_values(ends))
    ids, begins, ends = (words.with_flat_values(each).merge_dims(1, 2) for each in found)
    return ids, begins, ends


def _size(words: tf.Tensor) -> tf.Tensor:
    return tf.strings.length(words, unit="UTF8_CHAR")


def _in_characters(places: tf.RaggedTensor, words: tf.Tensor) -> tf.Tensor:
    """Places in the bytes of words, ragged (N, None) int32 -> (M,) int32, in their characters.

    All bytes are counted once, for a word may have as many tokens as bytes.
    """
    content = tf.io.decode_raw(tf.strings.reduce_join(words), tf.uint8)
    begins = tf.bitwise.bitwise_and(content, 0b1100_0000) != 0b1000_0000  # a character of UTF-8
    before = tf.concat([[0], tf.cumsum(tf.cast(begins, tf.int32))], 0)
    starts = tf.cumsum(tf.strings.length(words), exclusive=True)
    start = tf.gather(starts, places.value_rowids())
    return tf.gather(before, start + places.values) - tf.gather(before, start)
