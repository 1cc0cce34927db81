"""Windows of contexts, against the loops of google-research/bert's run_squad.py."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.windows import Windowing, windows

CLS, SEP = 101, 102


def bert_windows(question, context, max_length, longest_question, stride):
    """[(ids, types, {place in ids: (token of the context, whether it is at home here)})]."""
    question = question[:longest_question]
    most = max_length - len(question) - 3
    spans, start = [], 0
    while start < len(context):
        length = min(len(context) - start, most)
        spans.append((start, length))
        if start + length == len(context):
            break
        start += min(length, stride)
    made = []
    for number, (start, length) in enumerate(spans or [(0, 0)]):
        ids = [CLS, *question, SEP]
        types = [0] * len(ids)
        tokens = {}
        for place in range(start, start + length):
            tokens[len(ids)] = (place, max_context(spans, number, place))
            ids.append(context[place])
            types.append(1)
        made.append(([*ids, SEP], [*types, 1], tokens))
    return made


def max_context(spans, number, place):
    """`_check_is_max_context`, with its floats."""
    best_score = best = None
    for index, (start, length) in enumerate(spans):
        if place < start or place > start + length - 1:
            continue
        score = min(place - start, start + length - 1 - place) + 0.01 * length
        if best_score is None or score > best_score:
            best_score, best = score, index
    return best == number


def ours(questions, contexts, how):
    """The same of several questions at once, from what `windows` gives."""
    ragged = [tf.ragged.constant(some, tf.int32, ragged_rank=1) for some in (questions, contexts)]
    found = windows(*ragged, how)
    made = [[] for _ in questions]
    for n, row in enumerate(found.rows.numpy()):
        lead, begin, end, own_begin, own_end = (
            int(each[n])
            for each in (found.leads, found.begins, found.ends, found.own_begins, found.own_ends)
        )
        tokens = {
            lead + place - begin: (place, own_begin <= place < own_end)
            for place in range(begin, end)
        }
        made[row].append((found.ids[n].numpy().tolist(), found.types[n].numpy().tolist(), tokens))
    return made


texts = st.lists(st.integers(5, 99), max_size=60)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.lists(st.integers(5, 99), max_size=8), texts), min_size=1, max_size=4),
    st.integers(1, 6),
    st.integers(1, 30),
    st.integers(1, 20),
)
def test_windows_are_bert_s(asked, longest_question, room, stride):
    how = Windowing(longest_question + 3 + room, longest_question, stride, CLS, SEP)
    questions, contexts = zip(*asked, strict=True)
    assert ours(questions, contexts, how) == [
        bert_windows(*each, how.max_length, longest_question, stride) for each in asked
    ]


@pytest.mark.parametrize(("length", "stride"), [(1000, 128), (498, 128), (300, 400), (2000, 30)])
def test_windows_of_the_usual_size_are_bert_s(length, stride):
    """At more than a hundred tokens a window's length weighs more than a token of context."""
    random = np.random.default_rng(length)
    question, context = random.integers(5, 99, 12).tolist(), random.integers(5, 99, length).tolist()
    how = Windowing(384, 64, stride, CLS, SEP)
    wanted = bert_windows(question, context, 384, 64, stride)
    assert ours([question], [context], how) == [wanted]
    homes = [place for window in wanted for place, own in window[2].values() if own]
    assert homes == list(range(length))


def test_a_question_without_a_context_has_a_window():
    assert ours([[7]], [[]], Windowing(20, 5, 4, CLS, SEP)) == [
        [([CLS, 7, SEP, SEP], [0, 0, 0, 1], {})]
    ]


def test_no_questions():
    found = windows(
        tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), tf.zeros([0], tf.int64)),
        tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), tf.zeros([0], tf.int64)),
        Windowing(20, 5, 4, CLS, SEP),
    )
    assert found.ids.to_list() == []
    assert found.own_ends.shape == (0,)
