"""How documents are cut into examples, counted over many of them, against the definition."""

from itertools import pairwise

import numpy as np
import pytest

from pipeline.prepare.pairing import FOLLOWS, OTHER, chunk, kept, next_pairs, ordered_pairs, runs


def documents(number, sentences=(1, 30), words=(1, 40), seed=0):
    random = np.random.default_rng(seed)
    for _ in range(number):
        lengths = random.integers(*words, random.integers(*sentences))
        yield np.cumsum([0, *lengths]).tolist()


def parts(cut, edges, most=60, short=0.1, seed=0):
    return list(cut(edges, most, short, np.random.default_rng(seed)))


def test_runs_show_every_token_once_and_whole_sentences():
    cut_inside = 0
    for seed, edges in enumerate(documents(300, words=(1, 100))):
        found = [part.first for part in parts(runs, edges, short=0.2, seed=seed)]
        assert [begin for begin, _ in found] == [0, *(end for _, end in found[:-1])]
        assert found[-1][1] == edges[-1]
        assert all(0 < end - begin <= 60 for begin, end in found)
        for begin, end in found:
            if end not in edges:  # within a sentence that no example holds
                cut_inside += 1
                sentence = np.searchsorted(edges, end)
                assert begin >= edges[sentence - 1]
    assert cut_inside > 100


def test_runs_are_full():
    edges = list(range(0, 3001, 10))
    assert [part.first for part in parts(runs, edges, short=0.0)] == [
        (begin, begin + 60) for begin in range(0, 3000, 60)
    ]


def test_pairs_follow_each_other_or_are_to_be_of_another_document():
    labels = []
    for seed, edges in enumerate(documents(3000, sentences=(2, 12))):
        end_of_last = 0
        for part in parts(next_pairs, edges, seed=seed):
            begin, end = part.first
            labels.append(part.label)
            assert {begin, end} <= set(edges)
            if part.label == FOLLOWS:
                assert part.second[0] == end
                assert part.second[1] in edges
                assert part.wanted == 0
                end = part.second[1]
            else:
                assert part.second is None
                assert part.wanted > 0
            # Nothing is skipped; only a last sentence that is alone takes the one before along.
            assert begin <= end_of_last < end
            assert begin == end_of_last or (end == edges[-1] and end_of_last == edges[-2])
            end_of_last = end
        assert end_of_last == edges[-1]
    assert len(labels) > 8_000
    assert np.mean(labels) == pytest.approx(0.5, abs=3 * 0.5 / len(labels) ** 0.5)


def test_length_and_place_do_not_tell_whether_a_text_follows():
    """Where BERT has only pairs of one sort: short ends of documents, single sentences."""
    found = {FOLLOWS: [], OTHER: []}
    for seed, edges in enumerate(documents(6000, sentences=(2, 6))):
        for part in parts(next_pairs, edges, seed=seed):
            first = part.first[1] - part.first[0]
            second = part.wanted or part.second[1] - part.second[0]
            found[part.label].append((first + second, first, second))
    for follows, other in zip(*(np.array(rows).T for rows in found.values()), strict=True):
        edges = np.quantile(np.concatenate([follows, other]), np.linspace(0, 1, 6))
        shares = [np.histogram(some, edges)[0] / len(some) for some in (follows, other)]
        np.testing.assert_allclose(*shares, atol=0.04)


@pytest.mark.parametrize("cut", [next_pairs, ordered_pairs])
def test_one_sentence_makes_no_pair(cut):
    assert parts(cut, [0, 70]) == []
    assert parts(cut, [0, 5, 70])


def test_swapped_pairs():
    labels = []
    for seed, edges in enumerate(documents(2000, sentences=(2, 12))):
        end_of_last = 0
        for part in parts(ordered_pairs, edges, seed=seed):
            first, second = sorted([part.first, part.second])
            assert (part.label == OTHER) == (part.first > part.second)
            assert first[1] == second[0]
            assert first[0] <= end_of_last < second[1]
            end_of_last = second[1]
            labels.append(part.label)
        assert end_of_last == edges[-1]
    assert np.mean(labels) == pytest.approx(0.5, abs=3 * 0.5 / len(labels) ** 0.5)


def test_a_tenth_is_short():
    edges = list(range(50_000))  # sentences of one token
    sizes = np.array([end - begin for begin, end in (p.first for p in parts(runs, edges, 100))])
    short = sizes[sizes < 100]
    assert len(short) / len(sizes) == pytest.approx(0.1, abs=0.04)
    assert short.min() >= 2
    assert short.mean() == pytest.approx(50, abs=12)


@pytest.mark.parametrize(
    ("place", "target", "expected"),
    [(0, 25, (0, 3)), (0, 20, (0, 2)), (1, 500, (1, 4)), (0, 1, (0, 2)), (3, 9, (2, 4))],
)
def test_chunks(place, target, expected):
    assert chunk([0, 10, 20, 30, 40], place, target) == expected


def bert_truncates(first, second, most):
    """`truncate_seq_pair` of google-research/bert, the lengths alone."""
    while first + second > most:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


@pytest.mark.parametrize("most", [9, 10])
def test_the_longer_text_is_cut_as_bert_cuts(most):
    random = np.random.default_rng(0)
    for first in range(1, 25):
        for second in range(1, 25):
            left = kept(first, second, most, random)
            assert tuple(s.stop - s.start for s in left) == bert_truncates(first, second, most)
            assert all(
                0 <= s.start <= s.stop <= n for s, n in zip(left, (first, second), strict=True)
            )
    starts = [kept(100, 1, 51, random)[0].start for _ in range(2000)]
    assert np.mean(starts) == pytest.approx(25, abs=0.4)
    assert np.std(starts) == pytest.approx(50**0.5 / 2, abs=0.4)


def test_pairs_are_a_function_of_the_seed():
    edges = next(documents(1, sentences=(25, 30)))
    assert parts(next_pairs, edges, seed=4) == parts(next_pairs, edges, seed=4)
    assert parts(next_pairs, edges, seed=4) != parts(next_pairs, edges, seed=5)


def test_documents_made_here_are_as_they_should_be():
    assert all(one < other for edges in documents(20) for one, other in pairwise(edges))
