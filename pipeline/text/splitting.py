"""Where cleaned texts are cut into words, by kind of tokenizer: (B,) string -> ragged (B, None)."""

from typing import assert_never

import tensorflow as tf

from configs.data import (
    CharacterTokenizer,
    SentencePieceTokenizer,
    Text,
    WordPieceTokenizer,
    WordTokenizer,
)
from pipeline.text.cleaning import WIDE_SPACE

# Letters, digits, their marks, and the two joiners that Persian and Indic words are written with.
_LETTER = r"[\pL\pN\pM\x{200C}\x{200D}]"
_OTHER = r"[^\pL\pN\pM\x{200C}\x{200D}\pZ\t-\r\x{85}][\pM\x{200C}\x{200D}]*"
_APOSTROPHE = r"['\x{2019}]"
# Matching whole words with an apostrophe inside, and not each word, is four times as fast.
_WORD_OR_OTHER = f"{_LETTER}+(?:{_APOSTROPHE}{_LETTER}+)+|{_OTHER}"
# Scripts of which a run of letters is no word, but a sentence. Katakana mostly write one word.
_ALONE = r"[\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\pM*"
_LONGEST_RUN = 1_000

# BERT's punctuation and ideographs, https://github.com/google-research/bert, tokenization.py.
_BERT_PUNCTUATION = r"[!-/:-@\[-`{-~\pP]"
_BERT_IDEOGRAPH = (
    r"[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}"
    r"\x{2B740}-\x{2B81F}\x{2B820}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]"
)


def words(texts: tf.Tensor, settings: Text) -> tf.RaggedTensor:
    """Split cleaned texts into what the vocabulary is learned from the counts of."""
    match settings.tokenizer:
        case WordTokenizer(split="words"):
            return split_words(texts)
        case WordPieceTokenizer():
            return split_punctuation(texts)
        case SentencePieceTokenizer():
            return split_runs(texts)
        case WordTokenizer() | CharacterTokenizer():
            return split_whitespace(texts)
        case _ as never:
            assert_never(never)


def split_words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Runs of letters and digits are words, with the apostrophes inside them (don't, l'été).

    Each character of a script without spaces between words, and each other character, is a word of
    its own, marks included. Languages that write such scripts are better served by SentencePiece.
    """
    return split_whitespace(_spaced(_spaced(texts, _ALONE), _WORD_OR_OTHER))


def split_punctuation(texts: tf.Tensor) -> tf.RaggedTensor:
    """Split as BERT does before WordPiece; `tf_text.FastWordpieceTokenizer` has it built in."""
    return split_whitespace(_spaced(texts, f"{_BERT_PUNCTUATION}|{_BERT_IDEOGRAPH}"))


def split_whitespace(texts: tf.Tensor) -> tf.RaggedTensor:
    """Split at Unicode whitespace only."""
    # tf_text.WhitespaceTokenizer leaves the first byte of wider spaces on the word before.
    return tf.strings.split(tf.strings.regex_replace(texts, WIDE_SPACE, " "))


def split_runs(texts: tf.Tensor) -> tf.RaggedTensor:
    """Split at whitespace, and what has no whitespace after each 1,000 characters.

    SentencePiece takes time quadratic in a run of characters that it does not know, and learns
    nothing from more than 4,192 bytes in a row.
    """
    words = split_whitespace(texts)
    sizes = tf.strings.length(words.values, unit="UTF8_CHAR")

    def parted() -> tf.RaggedTensor:
        number = -(-tf.cast(sizes, tf.int64) // _LONGEST_RUN)
        last = tf.cumsum(number) - 1  # the place among all parts of each word's last
        lengths = tf.fill([tf.reduce_sum(number)], _LONGEST_RUN)
        rest = sizes - _LONGEST_RUN * tf.cast(number - 1, tf.int32)
        lengths = tf.tensor_scatter_nd_update(lengths, last[:, None], rest)
        characters = split_characters(words.values).values
        parts = tf.RaggedTensor.from_row_lengths(characters, lengths)
        in_text = tf.reduce_sum(words.with_values(number), axis=1)
        return tf.RaggedTensor.from_row_lengths(tf.strings.reduce_join(parts, axis=1), in_text)

    return tf.cond(tf.reduce_any(sizes > _LONGEST_RUN), parted, lambda: words)


def split_characters(texts: tf.Tensor) -> tf.RaggedTensor:
    """Each code point by itself, spaces too."""
    return tf.strings.unicode_split(texts, "UTF-8")


def _spaced(texts: tf.Tensor, pattern: str) -> tf.Tensor:
    return tf.strings.regex_replace(texts, pattern, r" \0 ")
