"""Every part of a split is measured, and none that is too small to say anything."""

import numpy as np
import pytest

from pipeline.data import Sequences, Split
from pipeline.evaluation import slices


def make_split(lengths, columns):
    number = len(lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Split(
        inputs={"ids": Sequences(np.zeros(sum(lengths), np.int32), offsets)},
        labels=np.zeros(number, int),
        weights=np.ones(number, np.float32),
        texts=[""] * number,
        columns=columns,
    )


def parts(split, by):
    return {name: rows.tolist() for cut, name, rows in slices.parts(split) if cut == by}


def test_lengths_are_cut_into_quarters():
    found = parts(make_split([5, 1, 2, 8, 3, 4, 7, 6], {}), "length")
    assert found == {
        "1 to 2 tokens": [1, 2],
        "3 to 4 tokens": [4, 5],
        "5 to 6 tokens": [0, 7],
        "7 to 8 tokens": [3, 6],
    }


@pytest.mark.parametrize("lengths", [[3] * 7, [0, 1]])
def test_few_lengths_make_few_parts(lengths):
    found = parts(make_split(lengths, {}), "length")
    assert len(found) == len(set(lengths))
    assert sorted(row for rows in found.values() for row in rows) == list(range(len(lengths)))


def test_rare_values_of_a_column_are_measured_together():
    values = ["b"] * 10 + ["rare", "unique"] + ["a"] * 11
    found = parts(make_split([1] * 23, {"source": values}), "source")
    assert list(found) == ["a", "b", "all other values"]
    assert found["all other values"] == [10, 11]
