"""Into what batches a split is cut to be answered."""

import numpy as np
import pytest

from pipeline.predictions import BATCH, cut


def test_every_row_is_in_one_batch_in_its_order():
    lengths = np.arange(1, 601)
    for most in (None, 600**2, 10 * 600**2):
        batches = list(cut(np.arange(600), lengths, most))
        assert np.concatenate(batches).tolist() == [*range(600)]
        assert max(map(len, batches)) <= BATCH


@pytest.mark.parametrize(("length", "rows"), [(10, BATCH), (100, 40), (300, 4), (900, 1)])
def test_a_batch_has_so_many_pairs_of_tokens_at_most(length, rows):
    lengths = np.full(300, length)
    sizes = [len(batch) for batch in cut(np.arange(300), lengths, 400_000)]
    assert set(sizes[:-1]) == {rows}
