"""Masks against their definition, counted over many rows."""

import numpy as np
import pytest

from configs.tasks import Masking
from pipeline.masking import Masker, keys, uniform

PAD, UNKNOWN, START, END, MASK, FIRST = range(6)
V = 1000
CONTINUES = np.zeros(V, bool)
CONTINUES[600:] = True


def masker(**settings):
    return Masker(Masking(**settings), CONTINUES, MASK, (PAD, START, END), (UNKNOWN,))


def texts(lengths, seed=0):
    """(B, T) of [CLS] a [SEP] b [SEP] with so many tokens in a and b together."""
    random = np.random.default_rng(seed)
    ids = np.zeros((len(lengths), max(lengths) + 3), np.int32)
    for row, length in zip(ids, lengths, strict=True):
        a = length // 2
        tokens = random.integers(FIRST, V, length)
        shown = [START, *tokens[:a], END, *tokens[a:], END]
        row[: len(shown)] = shown
    return ids


def free(ids):
    return (ids > END) | (ids == UNKNOWN)


def chosen(ids, masked):
    found = np.zeros(ids.shape, bool)
    rows, nth = np.nonzero(masked.targets)
    found[rows, masked.places[rows, nth]] = True
    return found


@pytest.mark.parametrize("unit", ["token", "word", "span"])
@pytest.mark.parametrize(("shortest", "rows"), [(1, 25_000), (100, 5_000)])
def test_the_rate_is_met_by_short_rows_too(unit, shortest, rows):
    lengths = np.random.default_rng(1).integers(shortest, shortest + 25, rows)
    ids = texts(lengths)
    masked = masker(unit=unit)(ids, keys(3, 0, np.arange(len(ids))))
    found = chosen(ids, masked)
    assert not (found & ~free(ids)).any()
    np.testing.assert_array_equal(masked.ids[~found], ids[~found])
    assert found.sum() / free(ids).sum() == pytest.approx(0.15, abs=0.001)
    if shortest == 1:  # of each length by itself: rounding favours none
        for length in range(1, 7):
            rows = lengths == length
            error = 4 * np.sqrt(0.15 * (4 if unit == "span" else 1) / (length * rows.sum()))
            assert found[rows].sum() / free(ids)[rows].sum() == pytest.approx(0.15, abs=error)


@pytest.mark.parametrize("unit", ["token", "word", "span"])
def test_what_stands_in_their_places(unit):
    ids = texts([60] * 10_000)
    masked = masker(unit=unit)(ids, keys(3, 0, np.arange(len(ids))))
    found = chosen(ids, masked)
    before, after = ids[found], masked.ids[found]
    mean = [np.mean(after == MASK), np.mean((after != MASK) & (after != before))]
    np.testing.assert_allclose([*mean, np.mean(after == before)], [0.8, 0.1, 0.1], atol=0.006)
    other = after[(after != MASK) & (after != before)]
    assert other.min() == FIRST
    assert other.max() == V - 1
    assert np.bincount(other, minlength=V)[FIRST:].std() < 2 * np.sqrt(len(other) / V)


def test_places_and_targets_list_what_was_there():
    ids = texts([3, 50, 9])
    masked = masker()(ids, keys(3, 0, np.arange(3)))
    for row in range(3):
        number = np.count_nonzero(masked.targets[row])
        places = masked.places[row, :number]
        assert (np.diff(places) > 0).all()
        np.testing.assert_array_equal(masked.targets[row, :number], ids[row, places])
        assert not masked.places[row, number:].any()
    assert masked.places.shape[1] == np.count_nonzero(masked.targets, axis=1).max()
    assert {part.dtype for part in masked} == {np.dtype(np.int32)}


def test_words_are_chosen_whole():
    ids = texts([40] * 2000)
    found = chosen(ids, masker(unit="word")(ids, keys(5, 1, np.arange(2000))))
    inside = CONTINUES[ids] & free(ids) & np.roll(free(ids), 1, axis=1)
    assert (found[inside] == np.roll(found, 1, axis=1)[inside]).all()
    # Words are chosen alike, whatever their length.
    first = free(ids) & ~inside
    length = np.diff(np.flatnonzero(np.append(first.ravel(), True)))
    long = length > 3
    taken = found.ravel()[np.flatnonzero(first.ravel())]
    assert taken[long].mean() == pytest.approx(taken[~long].mean(), abs=0.02)


def test_spans_are_of_whole_words_and_3_8_long():
    words = masker(unit="span")
    words.continues = np.zeros(V, bool)  # each token a word
    ids = texts([400] * 2000)
    row_keys = keys(5, 1, np.arange(2000))
    units = words._units(ids, free(ids), row_keys)
    inner = np.diff(units, axis=1) == 0
    assert (words._units(ids, free(ids), row_keys)[:, 201] < units[:, 203]).all()  # [SEP] parts
    sizes = np.concatenate([np.bincount(row[1:190])[:-1] for row in units])
    assert inner.any()
    assert sizes.max() == 10
    expected = 0.8 ** np.arange(10) / (0.8 ** np.arange(10)).sum()
    shares = np.bincount(sizes, minlength=11)[1:] / len(sizes)
    np.testing.assert_allclose(shares, expected, atol=0.005)
    assert sizes.mean() == pytest.approx(3.8, abs=0.05)


def test_a_span_has_one_fate():
    ids = texts([120] * 500)
    words = masker(unit="span")
    row_keys = keys(2, 0, np.arange(500))
    masked = words(ids, row_keys)
    found, units = chosen(ids, masked), words._units(ids, free(ids), row_keys)
    for row in range(500):
        for unit in np.unique(units[row][found[row]]):
            inside = (units[row] == unit) & free(ids)[row]
            assert found[row][inside].all()
            assert len(set((masked.ids[row][inside] == MASK).tolist())) == 1


@pytest.mark.parametrize("unit", ["token", "word", "span"])
def test_a_row_has_its_masks_in_any_batch_and_others_in_the_next_epoch(unit):
    ids = texts([30, 7, 22, 1])
    rows = np.arange(4)
    whole = masker(unit=unit)(ids, keys(3, 0, rows))
    for row in rows:
        length = np.count_nonzero(ids[row])
        alone = masker(unit=unit)(ids[row : row + 1, :length], keys(3, 0, rows[row : row + 1]))
        np.testing.assert_array_equal(alone.ids[0], whole.ids[row, :length])
        number = np.count_nonzero(alone.targets)
        np.testing.assert_array_equal(alone.places[0, :number], whole.places[row, :number])
    later = [masker(unit=unit)(ids, keys(3, epoch, rows)).ids for epoch in range(1, 4)]
    assert all((one != whole.ids).any() for one in later)


def test_numbers_are_uniform_and_independent():
    drawn = uniform(keys(7, 0, np.arange(2000)), 0, 100)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts = np.histogram(drawn, 100, (0, 1))[0]
    assert ((counts - 2000) ** 2 / 2000).sum() < 150  # chi squared of 99: 1 in 1,000 exceeds 149
    for other in (uniform(keys(7, 0, np.arange(2000)), 1, 100), drawn[:, ::-1], drawn[::-1]):
        assert abs(np.corrcoef(drawn.ravel(), other.ravel())[0, 1]) < 0.01
    assert len(np.unique(drawn)) == drawn.size


def test_a_batch_without_free_tokens():
    ids = np.array([[START, END, 0]], np.int32)
    masked = masker()(ids, keys(1, 0, np.arange(1)))
    np.testing.assert_array_equal(masked.ids, ids)
    assert masked.targets.tolist() == [[0]]
