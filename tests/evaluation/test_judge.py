"""Answers in the words of the task, and who is to blame for mistakes, by hand."""

import numpy as np
import pytest

from configs.tasks import Classify, Multilabel, Regress
from pipeline.evaluation.judge import example_ids, judge

NAMES = ["blue", "green", "red"]


def test_classify():
    logits = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 3.0], [0.0, 1.0, 0.0]])
    found = judge(Classify(kind="classify"), NAMES, np.array([0, 0, 0]), logits)
    assert (found.labels, found.predicted) == (["blue"] * 3, ["blue", "red", "green"])
    assert found.correct.tolist() == [True, False, False]
    confidence = np.exp(3) / (2 + np.exp(3))
    assert found.wrong[:2] == pytest.approx([0, confidence])
    assert found.worst(5).tolist() == [1, 2]  # the surest first, and no right answers
    assert found.worst(1).tolist() == [1]
    # Red won against blue.
    assert found.blame.tolist() == [[0, 0, 0], [-1, 0, 1], [-1, 1, 0]]


def test_multilabel():
    labels = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 0]], np.float32)
    logits = np.array([[3.0, -1, -2], [3.0, 2, -2], [-1.0, -1, -1]])
    half = np.full(3, 0.5)
    found = judge(Multilabel(kind="multilabel"), NAMES, labels, logits, half)
    assert found.labels == [["blue", "red"], ["blue"], []]
    assert found.predicted == [["blue"], ["blue", "green"], []]
    assert found.correct.tolist() == [False, False, True]
    # Red should have been higher, green lower.
    assert found.blame[:2].tolist() == [[0, 0, -1], [0, 1, 0]]
    assert sorted(found.worst(5).tolist()) == [0, 1]


def test_regress():
    found = judge(Regress(kind="regress"), [], np.array([1.0, 2.0]), np.array([[1.5], [0.0]]))
    assert found.wrong.tolist() == [0.5, 2.0]
    assert found.blame.tolist() == [[1], [-1]]
    assert found.worst(5).tolist() == [1, 0]


def test_an_example_keeps_its_id_whatever_else_is_there():
    ids = example_ids(["a", "b", "a", "a\0"])
    assert len(set(ids)) == 4
    assert example_ids(["b", "a", "a"]) == [ids[1], ids[0], ids[2]]
    assert all(len(each) == 16 for each in ids)


def test_ids_of_pairs_are_of_both_texts():
    pairs = [("a", "b"), ("b", "a"), ("ab", ""), ("", "ab"), ("a", "c"), ("a", "b"), ("1 a", "")]
    ids = example_ids(*(list(side) for side in zip(*pairs, strict=True)))
    assert len(set(ids)) == len(pairs)
    again = example_ids(["a", "a", "a"], ["c", "b", "b"])
    assert again == [ids[4], ids[0], ids[5]]
    # Without a second text they are what they were when runs of one text were first compared.
    assert example_ids(["a", "a"], []) == ["7e7f121fae3b9715", "cd85a665880b4301"]
