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
from pipeline.text.splitting import split_whitespace


def token_places(
    texts: tf.Tensor, settings: Text, encoder: Any
) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
    """(B,) string -> ids, begins, ends: ragged (B, None) int32.

    A text in Python, where bytes that are no UTF-8 are U+FFFD, has a token at [begin:end]. The ids
    are those of the whole text, save that the character tokenizer leaves out the spaces.

    Args: encoder, of `pipeline.text.encoders`.
    """
    words, word_begins, word_ends = spans(texts, settings, split_whitespace)
    different, which = tf.unique(words.flat_values)
    cleaned = clean_word(different, settings)
    ids, begins, ends = encoder.offsets(cleaned)
    same_size = _size(different) == _size(cleaned)
    own = tf.gather(same_size, ids.value_rowids())
    spelled = tf.gather(cleaned, ids.value_rowids())
    begins, ends = (
        tf.gather(ids.with_values(_characters_before(places.values, spelled)), which)
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


def _characters_before(places: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
    """How many characters of each word are in its first bytes. Args: places, words, (N,)."""
    return _size(tf.strings.substr(words, tf.zeros_like(places), places))
