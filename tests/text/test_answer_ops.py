"""The best answers of windows' logits: TensorFlow's ops, NumPy and brute force agree."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import span_answers
from pipeline.data import Sequences
from pipeline.text import answer_ops
from pipeline.text.windows import Windowing, Windows, windows


def made(lengths, how, seed, levels):
    """Windows of contexts of these lengths with drawn logits, few levels making many ties."""
    random = np.random.default_rng(seed)
    contexts = [list(range(100, 100 + length)) for length in lengths]
    questions = [[7] * (1 + n % 3) for n in range(len(lengths))]
    ragged = [tf.ragged.constant(some, tf.int32, ragged_rank=1) for some in (questions, contexts)]
    found = windows(*ragged, how)
    logits = [
        [random.integers(levels, size=len(row)).astype(np.float32) for row in found.ids.to_list()]
        for _ in range(2)
    ]
    return found, logits


def in_numpy(found):
    return Windows(None, None, *(np.asarray(each) for each in found[2:]))


def sequences(rows):
    return Sequences(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))


def padded(rows, padding):
    longest = max(map(len, rows))
    return tf.constant([[*row, *[padding] * (longest - len(row))] for row in rows], tf.float32)


def brute_force(found, logits, question, longest, number):
    """Every pair of tokens of every window, sorted."""
    tried, nothing = [], []
    for n in np.flatnonzero(found.rows.numpy() == question):
        start, end = logits[0][n], logits[1][n]
        nothing.append(start[0] + end[0])
        lead, begin, stop, home, away = (int(each[n]) for each in found[3:])
        for first, last in itertools.product(range(begin, stop), repeat=2):
            if home <= first < away and first <= last < first + longest:
                score = start[lead + first - begin] + end[lead + last - begin]
                tried.append((-score, n, first, last))
    best = sorted(tried)[:number]
    return [(first, last, -score) for score, _, first, last in best], min(nothing)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=3),
    st.integers(1, 8),
    st.integers(1, 10),
    st.integers(1, 5),
    st.integers(1, 6),
    st.integers(0, 1000),
    st.sampled_from([2, 1000]),
)
def test_ops_numpy_and_brute_force_agree(lengths, room, stride, longest, number, seed, levels):
    how = Windowing(6 + room, 3, stride, 101, 102)
    found, logits = made(lengths, how, seed, levels)
    plain = span_answers.decode(
        sequences(logits[0]), sequences(logits[1]), in_numpy(found), longest, number
    )
    tensors = [padded(rows, 1e6) for rows in logits]  # what stands at padding is never looked at
    ops = answer_ops.decode(*tensors, found, tf.constant(len(lengths), tf.int64), longest, number)
    for one, other in zip(plain, ops, strict=True):
        np.testing.assert_array_equal(one, other)
    for question in range(len(lengths)):
        wanted, nothing = brute_force(found, logits, question, longest, number)
        rows = zip(*(each[question].tolist() for each in plain[:3]), strict=True)
        assert [row for row in rows if row[0] >= 0] == wanted
        assert plain.no_answer[question] == nothing


def test_no_answer_scores_what_it_does_where_it_scores_lowest():
    how = Windowing(9, 1, 3, 101, 102)
    found, logits = made([8], how, 0, 5)
    assert len(logits[0]) == 2
    logits[0][0][0], logits[1][0][0], logits[0][1][0], logits[1][1][0] = 9.0, 9.0, 1.0, 2.0
    plain = span_answers.decode(sequences(logits[0]), sequences(logits[1]), in_numpy(found), 3, 2)
    assert plain.no_answer.tolist() == [3.0]
    assert plain.margins.tolist() == [3.0 - plain.scores[0, 0]]


@pytest.fixture
def answers():
    """Of two contexts, the second of no tokens."""
    firsts, lasts = tf.constant([[1, 0], [-1, -1]], tf.int64), tf.constant([[2, 0], [-1, -1]])
    return answer_ops.Answers(firsts, tf.cast(lasts, tf.int64), tf.zeros([2, 2]), tf.zeros([2]))


def test_answers_are_cut_from_the_raw_text(answers):
    contexts = tf.constant(["Ein  schöner 🛢, so.".encode(), b""])
    begins = tf.ragged.constant([[0, 5, 13, 14], []], tf.int32, ragged_rank=1)
    ends = tf.ragged.constant([[3, 12, 14, 15], []], tf.int32, ragged_rank=1)
    texts, *places = answer_ops.cut(contexts, begins, ends, answers)
    assert [text.decode() for text in texts.numpy().ravel()] == ["schöner 🛢", "Ein", "", ""]
    assert [place.numpy().tolist() for place in places] == [
        [[5, 0], [-1, -1]],
        [[14, 3], [-1, -1]],
    ]


def test_no_questions():
    none = tf.zeros([0], tf.int64)
    nothing = Windows(None, None, *[none] * 6)
    found = answer_ops.decode(
        tf.zeros([0, 5]), tf.zeros([0, 5]), nothing, tf.constant(0, tf.int64), 3, 2
    )
    assert [each.shape for each in found] == [(0, 2), (0, 2), (0, 2), (0,)]
