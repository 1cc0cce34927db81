"""Questions and their contexts as what a model reads: windows of the context, the question in each.

In TensorFlow ops, the same when data are read and in the SavedModel.
Source: google-research/bert, run_squad.py, of Devlin et al. 2019, https://arxiv.org/abs/1810.04805.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from configs.tasks import Span
from pipeline.text.special import edges

EDGES = 3  # [CLS], and two [SEP]


class Windows(NamedTuple):
    """N windows, those of a question in order, each `[CLS] question [SEP] part [SEP]`.

    Attributes:
        ids, types: ragged (N, None) int32; a type is 0 up to the first [SEP], then 1.
        rows: (N,) int64, the question of each.
        leads: (N,) int64, the place in ids of the first token of the part.
        begins, ends: (N,) int64, which of the context's tokens the part has.
        own_begins, own_ends: (N,) int64, which of these have more context here than in any other
            window: an answer begins where its first token is at home.
    """

    ids: Any
    types: Any
    rows: Any
    leads: Any
    begins: Any
    ends: Any
    own_begins: Any
    own_ends: Any


class Windowing(NamedTuple):
    """How windows are made.

    Args: max_length, of a window; longest_question; stride, from a window's beginning to that of
        the next; all in tokens; start_id, end_id, the ids of [CLS] and [SEP].
    """

    max_length: int
    longest_question: int
    stride: int
    start_id: int
    end_id: int


def windowing(tokenizer: Any, task: Span) -> Windowing:
    """
    Raises:
        JobError: the vocabulary has no [CLS] or no [SEP].
    """
    start, end = edges(tokenizer, "which part a question from its context")
    longest = tokenizer.settings.max_length
    return Windowing(longest, task.longest_question, task.stride, start, end)


def windows(questions: tf.RaggedTensor, contexts: tf.RaggedTensor, how: Windowing) -> Windows:
    """Ids of questions and of their contexts, ragged (B, None) int32 -> their windows.

    A question is cut to its longest, and no token of a context is left out: where there is less
    room for the context than a stride, windows follow each other without overlap.
    """
    questions = questions[:, : how.longest_question]
    lengths = contexts.row_lengths()
    room = how.max_length - EDGES - questions.row_lengths()
    step = tf.minimum(room, how.stride)
    number = 1 - tf.maximum(lengths - room, 0) // -step  # rounded up
    rows = tf.repeat(tf.range(contexts.nrows()), number)
    begins = tf.ragged.range(number).values * tf.gather(step, rows)
    ends = tf.minimum(begins + tf.gather(room, rows), tf.gather(lengths, rows))
    before, parts = tf.gather(questions, rows), _parts(contexts, rows, begins, ends)
    start, end = (tf.fill([tf.size(rows), 1], id) for id in (how.start_id, how.end_id))
    first = tf.concat([start, before, end], axis=1)
    second = tf.concat([parts, end], axis=1)
    return Windows(
        tf.concat([first, second], axis=1),
        tf.concat([tf.zeros_like(first), tf.ones_like(second)], axis=1),
        rows,
        before.row_lengths() + 2,
        begins,
        ends,
        *_own(rows, begins, ends),
    )


def _parts(
    contexts: tf.RaggedTensor, rows: tf.Tensor, begins: tf.Tensor, ends: tf.Tensor
) -> tf.RaggedTensor:
    starts = tf.gather(contexts.row_starts(), rows)
    places = tf.ragged.range(starts + begins, starts + ends)
    return places.with_values(tf.gather(contexts.values, places.values))


def _own(rows: tf.Tensor, begins: tf.Tensor, ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Where the tokens begin and end that each window has more context of than the others.

    A window's context of a token is the lesser of what is left and right of it, and a little for
    the window's length; the first of equals wins. In a text this only grows less from a window to
    the next one, so a window is compared with its neighbours, and what it owns is in one piece.
    """
    places = tf.ragged.range(begins, ends)
    window = places.value_rowids()

    def context(shift: int) -> tf.Tensor:
        """Of each token in its window, or in the one so many further; -1 where it is not there."""
        other = tf.roll(tf.stack([rows, begins, ends]), -shift, axis=1)
        row, begin, end = tf.unstack(tf.gather(other, window, axis=1))
        there = (row == tf.gather(rows, window)) & (places.values >= begin) & (places.values < end)
        nearest = tf.minimum(places.values - begin, end - 1 - places.values)
        amount = tf.cast(nearest, tf.float64) + 0.01 * tf.cast(end - begin, tf.float64)
        return tf.where(there, amount, -1.0)

    here = context(0)
    before = tf.where(_neighbours(rows, window, -1), context(-1), -1.0)
    after = tf.where(_neighbours(rows, window, 1), context(1), -1.0)
    own = (here > before) & (here >= after)
    sizes = tf.reduce_sum(places.with_values(tf.cast(own, tf.int64)), axis=1)
    first = tf.where(own, places.values, tf.int64.max)
    firsts = tf.minimum(tf.reduce_min(places.with_values(first), axis=1), ends)
    return firsts, firsts + sizes


def _neighbours(rows: tf.Tensor, window: tf.Tensor, shift: int) -> tf.Tensor:
    """Whether there is another window so many further at all, which rolling does not tell."""
    other = window + shift
    return (other >= 0) & (other < tf.size(rows, tf.int64))
