"""The words of raw texts as they stand there, and where: what tags are given to."""

from collections.abc import Callable

import tensorflow as tf

from configs.data import Text, WordTokenizer
from pipeline.text.cleaning import UNSEEN, replace_tags, valid_utf8
from pipeline.text.splitting import split_whitespace, split_words

# What `splitting` parts texts at: ASCII's whitespace, and Unicode's besides.
_SPACES = (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B))
_SPACES += (0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
_EDGE = "\0"  # of an HTML tag; valid texts have none


def spans(
    texts: tf.Tensor, settings: Text, cut: Callable[[tf.Tensor], tf.RaggedTensor] | None = None
) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
    """Cut texts before they are cleaned, as the word tokenizer would: at whitespace, or into words.

    HTML tags are no words where the settings take them out; entities are cut like other characters.

    Args: texts, (B,) string; bytes that are no UTF-8 become U+FFFD, as Python's decoder has it;
        cut, what to cut with instead, of `splitting`.

    Returns:
        words, begins, ends: ragged (B, None); in code points, so that a text in Python has the
        word at [begin:end].
    """
    texts = valid_utf8(texts)
    if settings.drop_controls:
        # Three of these are whitespace elsewhere; cleaning takes this character out of words too.
        texts = tf.strings.regex_replace(texts, UNSEEN, "\N{REPLACEMENT CHARACTER}")
    marked, tokenizer = texts, settings.tokenizer
    if settings.html:
        marked = replace_tags(texts, rf"{_EDGE}\0{_EDGE}")
        texts = replace_tags(texts, " ")
    at_whitespace = isinstance(tokenizer, WordTokenizer) and tokenizer.split == "whitespace"
    words = (cut or (split_whitespace if at_whitespace else split_words))(texts)
    # Cutting adds and drops whitespace only: the other characters follow each other as in the text.
    places = _inside_words(marked)
    ends = tf.cumsum(tf.strings.length(words.flat_values, unit="UTF8_CHAR"))
    begins = tf.concat([[0], ends], 0)[:-1]
    return (
        words,
        words.with_flat_values(tf.gather(places, begins)),
        words.with_flat_values(tf.gather(places, ends - 1) + 1),
    )


def _inside_words(texts: tf.Tensor) -> tf.Tensor:
    """(N,) int32: the places within their texts of all characters but whitespace and HTML tags."""
    points = tf.strings.unicode_decode(texts, "UTF-8")
    flat, starts = points.values, tf.gather(points.row_starts(), points.value_rowids())
    edges = tf.cast(flat == 0, tf.int32)
    so_far = tf.cumsum(edges)
    inside_tag = so_far % 2 == 1  # edges come in pairs
    space = tf.reduce_any(flat[:, None] == tf.constant(_SPACES), axis=1)
    before = tf.gather(tf.concat([[0], so_far], 0), starts)
    places = tf.range(tf.size(flat)) - tf.cast(starts, tf.int32) - (so_far - before)
    return tf.boolean_mask(places, ~(space | inside_tag | (edges == 1)))
