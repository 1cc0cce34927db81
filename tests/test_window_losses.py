"""Perplexity by overlapping windows, against reading anew what is before each word."""

from itertools import pairwise

import numpy as np
import pytest
from tiny_gpt import made

from pipeline.data import Sequences, Split
from pipeline.perplexity import document_losses
from pipeline.text.special import END, START

V, LENGTHS = 30, (12, 1, 5, 26, 7)
RANDOM = np.random.default_rng(4)


@pytest.fixture(scope="module")
def split():
    documents = [[START, *RANDOM.integers(5, V, n), END] for n in LENGTHS]
    ids = np.concatenate(documents).astype(np.int32)
    offsets = np.cumsum([0, *map(len, documents)])
    return Split({"ids": Sequences(ids, offsets)}, None, [], {}, np.ones(len(LENGTHS), np.float32))


def brute(model, text, stride, context):
    """(N - 1,) losses of a text's tokens, each read by itself after what its window shows."""
    losses = []
    for t in range(len(text) - 1):
        start = 0
        while start + context <= t:  # the first window that holds token t
            start += stride
        ids = text[None, start : t + 1]
        given = {"ids": ids, "targets": text[None, start + 1 : t + 2], "fresh": ids < 0}
        outputs = model({name: given[name] for name in model.input}, training=False)
        losses.append(float(outputs["losses"][0, -1]))
    return np.array(losses)


@pytest.mark.parametrize("stride", [1, 3, 8])
def test_documents_by_themselves(split, stride):
    recipe, model = made(V)
    losses, words = document_losses(model, recipe.task, split, stride=stride)(split)
    assert words.tolist() == [n + 1 for n in LENGTHS]
    for row in range(len(LENGTHS)):
        expected = brute(model, split.ids[row], stride, 8).sum()
        assert losses[row] == pytest.approx(expected, rel=1e-4)


def test_one_text_that_runs_on(split):
    recipe, model = made(V, "task.carry=stream")
    losses, words = document_losses(model, recipe.task, split)(split)
    offsets, ids = split.ids.offsets, split.ids.values
    whole = np.concatenate([[END], *(ids[a + 1 : b] for a, b in pairwise(offsets))])
    expected = brute(model, whole, 4, 8)
    assert losses.sum() == pytest.approx(expected.sum(), rel=1e-4)
    assert words.tolist() == [n + 1 for n in LENGTHS]
    assert losses[0] == pytest.approx(expected[: LENGTHS[0] + 1].sum(), rel=1e-4)


def test_a_smaller_stride_shows_more(split):
    recipe, model = made(V)
    every, half, whole = (
        document_losses(model, recipe.task, split, stride=stride)(split)[0] for stride in (1, 4, 8)
    )
    short = [row for row, n in enumerate(LENGTHS) if n < 8]
    np.testing.assert_allclose(every[short], whole[short], rtol=1e-5)
    assert np.abs(every - half).max() > 1e-2 < np.abs(half - whole).max()
