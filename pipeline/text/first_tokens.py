"""The first tokens of texts, at the cost of these and not of all that stands behind them."""

from collections.abc import Callable

import tensorflow as tf

# More than tokens of any language have on average, so that a text is seldom read twice.
BYTES_A_TOKEN = 16


def first_tokens(
    texts: tf.Tensor, number: int, read: Callable[[tf.Tensor], tf.RaggedTensor]
) -> tf.RaggedTensor:
    """`read(texts)[:, :number]`, the very same: (B,) string -> ragged (B, None).

    Of a long text only the beginning is read, up to a space. Where that has too few tokens (it is
    one word, or nothing but spaces), all of the text is read after all.

    Args: read, of which a text up to a space has the same tokens as before that space in the whole
        text; whatever else it does, it takes texts one by one.
    """
    begun = _beginnings(texts, number * BYTES_A_TOKEN)
    found = read(begun)[:, :number]
    short = (found.row_lengths() < number) & (begun != texts)

    def again() -> tf.RaggedTensor:
        return read(tf.where(short, texts, begun))[:, :number]

    return tf.cond(tf.reduce_any(short), again, lambda: found)


def _beginnings(texts: tf.Tensor, most: int) -> tf.Tensor:
    """Texts, the long ones up to their last space within `most` bytes, if there is one."""
    long = tf.strings.length(texts) > most
    begun = tf.strings.substr(tf.where(long, texts, ""), 0, most)
    # \C is any byte: the last character may be cut through.
    cut = tf.strings.regex_replace(begun, r"[ \t\r\n][^ \t\r\n]*\C{0,3}\z", "")
    return tf.where(long & (tf.strings.length(cut) < tf.strings.length(begun)), cut, texts)
