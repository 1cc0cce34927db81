"""From the logits of questions' windows to their best answers, in TensorFlow ops.

What `pipeline.span_answers` finds in NumPy, and the texts of the answers.
"""

from typing import NamedTuple

import tensorflow as tf

from pipeline.text.cleaning import valid_utf8
from pipeline.text.windows import Windows

NOTHING = float("-inf")


class Answers(NamedTuple):
    """As of `span_answers`, in tensors."""

    firsts: tf.Tensor
    lasts: tf.Tensor
    scores: tf.Tensor
    no_answer: tf.Tensor


def decode(
    start: tf.Tensor,
    end: tf.Tensor,
    windows: Windows,
    num_questions: tf.Tensor,
    longest: int,
    number: int,
) -> Answers:
    """See `span_answers.decode`.

    Args: start, end, (N, T) float32, whatever stands at padding; num_questions, int64.
    """
    place = tf.range(tf.shape(start, tf.int64)[1])
    leads, begins, ends, own_begins, own_ends = (
        each[:, None]
        for each in (
            windows.leads,
            windows.begins,
            windows.ends,
            windows.own_begins,
            windows.own_ends,
        )
    )
    token = place - leads + begins  # (N, T)
    inside = (place >= leads) & (token < ends)
    starts = tf.where(inside & (token >= own_begins) & (token < own_ends), start, NOTHING)
    closed = tf.where(inside, end, NOTHING)
    further = tf.range(longest)
    closed = tf.pad(closed, [[0, 0], [0, longest - 1]], constant_values=NOTHING)
    closed = tf.gather(closed, tf.cast(place, tf.int32)[:, None] + further, axis=1)
    grid = starts[..., None] + closed  # (N, T, longest)
    scores, cells = _top(tf.reshape(grid, [tf.shape(grid)[0], -1]), number)  # (N, K)
    firsts = tf.gather(token, cells // longest, batch_dims=1)
    lasts = firsts + tf.cast(cells % longest, tf.int64)

    scores, firsts, lasts = (
        _by_question(each, windows.rows, num_questions, fill)
        for each, fill in ((scores, NOTHING), (firsts, -1), (lasts, -1))
    )
    scores, order = _top(scores, number)
    firsts, lasts = (tf.gather(each, order, batch_dims=1) for each in (firsts, lasts))
    there = scores > NOTHING
    nothing = tf.math.unsorted_segment_min(start[:, 0] + end[:, 0], windows.rows, num_questions)
    return Answers(tf.where(there, firsts, -1), tf.where(there, lasts, -1), scores, nothing)


def _top(scores: tf.Tensor, number: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The highest of each row and where they are, the first of equals first."""
    missing = tf.maximum(number - tf.shape(scores)[1], 0)
    padded = tf.pad(scores, [[0, 0], [0, missing]], constant_values=NOTHING)
    found, places = tf.math.top_k(padded, number)
    return found, tf.minimum(places, tf.maximum(tf.shape(scores)[1] - 1, 0))


def _by_question(
    values: tf.Tensor, rows: tf.Tensor, num_questions: tf.Tensor, fill: float
) -> tf.Tensor:
    """(N, K) of windows -> (B, W * K) of questions, those of the earlier window first."""
    grouped = tf.RaggedTensor.from_value_rowids(values, rows, num_questions)
    dense = grouped.to_tensor(fill, shape=[None, None, values.shape[1]])
    return tf.reshape(dense, [num_questions, tf.shape(dense, tf.int64)[1] * values.shape[1]])


def cut(
    contexts: tf.Tensor, begins: tf.RaggedTensor, ends: tf.RaggedTensor, answers: Answers
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The answers' texts, (B, K) string, and where they begin and end, (B, K) int32.

    "" and -1 where there is no answer.
    Args: contexts, (B,) string, raw; begins, ends, of their tokens, see `token_places`.
    """
    there = answers.firsts >= 0
    begin = _at(begins, answers.firsts)
    size = tf.where(there, _at(ends, answers.lasts) - begin, 0)
    whole = tf.repeat(valid_utf8(contexts)[:, None], tf.shape(begin)[1], axis=1)
    texts = tf.strings.substr(whole, tf.where(there, begin, 0), size, unit="UTF8_CHAR")
    return texts, tf.where(there, begin, -1), tf.where(there, begin + size, -1)


def _at(values: tf.RaggedTensor, places: tf.Tensor) -> tf.Tensor:
    """The values at places of each row; something at place -1."""
    flat = tf.concat([values.values, [0]], 0)  # for there may be none
    return tf.gather(flat, values.row_starts()[:, None] + tf.maximum(places, 0))
