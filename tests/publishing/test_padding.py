"""Rows that are filled up lose that, as arrays and as the lists that REST has."""

import numpy as np
import pytest

from pipeline.publishing.padding import without_padding

SEVERAL = {
    "label": np.array(["b", "", "a"]),
    "labels": np.array([["b", "a"], ["", ""], ["a", ""]], object),
    "scores": np.array([[0.9, 0.5], [0, 0], [0.75, 0]]),
    "probabilities": np.array([[0.5, 0.9], [0.1, 0.2], [0.75, 0.1]]),
}
MASKS = {
    "masks": np.array([1, 0, 2]),
    "tokens": np.array([[["x"], [""]], [[""], [""]], [["y"], ["z"]]], object),
    "scores": np.array([[[0.5], [0]], [[0], [0]], [[0.25], [0.5]]]),
}
WORDS = {
    "words": np.array([["an", "apple"], ["one", ""]], object),
    "begins": np.array([[0, 3], [0, -1]]),
    "ends": np.array([[2, 8], [3, -1]]),
    "tags": np.array([["O", "B-x"], ["O", ""]], object),
    "scores": np.array([[0.5, 0.5], [1, 0]]),
}
LEFT = {
    "several": (SEVERAL, {"labels": [["b", "a"], [], ["a"]], "scores": [[0.9, 0.5], [], [0.75]]}),
    "masks": (
        MASKS,
        {"tokens": [[["x"]], [], [["y"], ["z"]]], "scores": [[[0.5]], [], [[0.25], [0.5]]]},
    ),
    "words": (WORDS, {"words": [["an", "apple"], ["one"]], "begins": [[0, 3], [0]]}),
}


@pytest.mark.parametrize("kind", LEFT)
@pytest.mark.parametrize("as_lists", [False, True])
def test_what_is_left(kind, as_lists):
    answers, left = LEFT[kind]
    if as_lists:
        answers = {name: values.tolist() for name, values in answers.items()}
    found = without_padding(answers)
    assert {name: found[name] for name in left} == left
    if kind == "several":
        assert list(found["label"]) == ["b", "", "a"]
        np.testing.assert_array_equal(found["probabilities"], SEVERAL["probabilities"])


def test_one_label_each_stays_as_it_is():
    answers = {"labels": [["b", "a"], ["a", "b"]], "scores": [[0.9, 0.1], [0.5, 0.5]]}
    assert without_padding(answers) == answers
