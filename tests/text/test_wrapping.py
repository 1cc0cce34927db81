"""Sequences between [CLS] and [SEP], against BERT's own loops, token by token."""

import numpy as np
import pytest
import tensorflow as tf
from text_kinds import make

from pipeline import wrapped_data
from pipeline.data import Sequences
from pipeline.errors import JobError
from pipeline.text.vocabulary import from_tokens
from pipeline.text.wrapping import Wrapping, wrapped, wrapped_words, wrapping

CLS, SEP = 2, 3
LENGTHS = range(9)


def by_loop(a, b, max_length):
    """google-research/bert, run_classifier.py: `_truncate_seq_pair`, convert_single_example."""
    a = list(a)
    if b is None:
        a = a[: max_length - 2]
        return [CLS, *a, SEP], [0] * (len(a) + 2)
    b = list(b)
    while len(a) + len(b) > max_length - 3:
        (a if len(a) > len(b) else b).pop()
    return [CLS, *a, SEP, *b, SEP], [0] * (len(a) + 2) + [1] * (len(b) + 1)


def words_by_loop(words, max_length):
    """Whole words while they fit, a word that is longer than all the room cut to it."""
    ids, starts = [], []
    for word in words:
        word = word[: max_length - 2]
        if len(ids) + len(word) > max_length - 2:
            break
        starts.append(len(ids) + 2)  # counted from 1, after [CLS]
        ids += word
    return [CLS, *ids, SEP], starts


def as_lists(*ragged):
    return tuple(x.to_list() for x in ragged)


@pytest.mark.parametrize("max_length", [3, 4, 7, 8, 12, 30])
def test_pairs_are_cut_as_bert_cuts_them(max_length):
    pairs = [(range(10, 10 + a), range(50, 50 + b)) for a in LENGTHS for b in LENGTHS]
    expected = [by_loop(a, b, max_length) for a, b in pairs]
    first, second = (tf.ragged.constant([list(p[i]) for p in pairs], tf.int32) for i in (0, 1))
    ids, types = as_lists(*wrapped(Wrapping(max_length, CLS, SEP), first, second))
    assert ids == [row for row, _ in expected]
    assert types == [row for _, row in expected]


@pytest.mark.parametrize("max_length", [3, 4, 8, 30])
def test_texts_are_cut_to_what_is_left(max_length):
    texts = [range(10, 10 + a) for a in LENGTHS]
    expected = [by_loop(a, None, max_length) for a in texts]
    first = tf.ragged.constant([list(a) for a in texts], tf.int32)
    ids, types = as_lists(*wrapped(Wrapping(max_length, CLS, SEP), first))
    assert ids == [row for row, _ in expected]
    assert types == [row for _, row in expected]


def test_no_texts_at_all():
    none = tf.RaggedTensor.from_row_lengths(tf.zeros(0, tf.int32), tf.zeros(0, tf.int64))
    ids, types = wrapped(Wrapping(5, CLS, SEP), none, none)
    assert ids.to_tensor().shape[0] == types.nrows() == 0


def flat(rows):
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return Sequences(np.array([x for row in rows for x in row], np.int32), offsets)


def rows_of(sequences):
    return [sequences[row].tolist() for row in range(len(sequences))]


@pytest.mark.parametrize("max_length", [3, 5, 9, 14])
def test_words_stay_whole_in_prepared_data_and_in_the_graph(max_length):
    random, prepared = np.random.default_rng(0), []
    for _ in range(60):
        sizes = random.integers(1, 8, random.integers(0, 6))
        prepared.append([random.integers(10, 99, size).tolist() for size in sizes])
    expected = [words_by_loop(words, max_length) for words in prepared]
    how = Wrapping(max_length, CLS, SEP)
    pieces = tf.ragged.constant([*prepared, [[1]]], tf.int32, ragged_rank=2)[:-1]
    ids, types, starts = wrapped_words(how, pieces)
    assert ids.to_list() == [row for row, _ in expected]
    assert starts.to_list() == [row for _, row in expected]
    assert not types.values.numpy().any()

    # What `prepare` writes has more words, for it knows of no [CLS].
    whole, all_starts = tf.function(lambda x: cut_as_prepared(x, max_length))(pieces)
    found = {
        "ids": Sequences(whole.values.numpy(), whole.row_splits.numpy()),
        "starts": Sequences(all_starts.values.numpy(), all_starts.row_splits.numpy()),
    }
    found["words"] = found["label"] = flat([range(len(row)) for row in all_starts.to_list()])
    made = wrapped_data.of_words(found, how)
    assert rows_of(made["ids"]) == ids.to_list()
    assert rows_of(made["starts"]) == starts.to_list()
    for name in ("words", "label"):
        assert rows_of(made[name]) == [list(range(len(row))) for row in starts.to_list()]


def cut_as_prepared(pieces, max_length):
    from pipeline.text.given_words import cut

    return cut(pieces, max_length)


def test_where_a_word_is_a_token_its_place_is_after_cls():
    found = {name: flat([[7, 8, 9], [], [5]]) for name in ("ids", "words", "label")}
    made = wrapped_data.of_words(found, Wrapping(4, CLS, SEP))
    assert rows_of(made["ids"]) == [[CLS, 7, 8, SEP], [CLS, SEP], [CLS, 5, SEP]]
    assert rows_of(made["starts"]) == [[2, 3], [], [2]]
    assert rows_of(made["label"]) == [[7, 8], [], [5]]


def test_prepared_texts_become_the_sequences_of_whole_ones():
    """`prepare` has cut both texts to the length of a sequence already."""
    random = np.random.default_rng(1)
    texts = [
        [random.integers(9, 99, n).tolist() for n in random.integers(0, 30, 2)] for _ in "x" * 50
    ]
    found = {
        name: flat([pair[i][:12] for pair in texts]) for i, name in enumerate(("ids", "second_ids"))
    }
    made = wrapped_data.of_texts(found, Wrapping(12, CLS, SEP))
    expected = [by_loop(*pair, 12) for pair in texts]
    assert rows_of(made["ids"]) == [row for row, _ in expected]
    assert rows_of(made["types"]) == [row for _, row in expected]
    assert made["ids"].values.dtype == np.int32


def test_a_vocabulary_without_the_marks_is_refused():
    tokenizer = make("words")
    assert wrapping(tokenizer) == Wrapping(256, CLS, SEP)
    tokenizer.end_id = from_tokens(["[PAD]", "[UNK]"]).id_of(("[SEP]",))
    with pytest.raises(JobError, match=r"no \[CLS\] or <s> and \[SEP\] or </s>"):
        wrapping(tokenizer)
