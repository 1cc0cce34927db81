import numpy as np
import pytest

from configs.training import Train
from pipeline import batching, data

LENGTHS = np.random.default_rng(0).integers(1, 40, 1000)


def a_split(lengths):
    tokens = np.arange(1, lengths.sum() + 1, dtype=np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    labels = np.arange(len(lengths)) % 3
    ids, ones = data.Sequences(tokens, offsets), np.ones(len(lengths))
    return data.Split({"ids": ids}, labels, ["x"] * len(lengths), {}, ones)


@pytest.mark.parametrize("settings", [{}, {"sort_by_length": False}, {"batch_size": 7}])
@pytest.mark.parametrize("budget", [None, 300])
def test_an_epoch_holds_every_example_once(settings, budget):
    if budget:
        settings = {**settings, "batch_size": None, "batch_tokens": budget}
    plan = batching.plan(LENGTHS, Train(**settings), seed=1, epoch=0)
    assert sorted(np.concatenate(plan)) == list(range(1000))
    if budget:
        assert max(len(rows) * LENGTHS[rows].max() for rows in plan) <= budget


def test_batches_grow_until_they_are_full():
    ramp = {"start": 0.25, "over": 0.5}
    full, ramped = (
        [batching.plan(LENGTHS, Train(epochs=4, batch_size=50, **more), 1, n) for n in range(4)]
        for more in ({}, {"batch_ramp": ramp})
    )
    shares = 0.25 + 0.75 * np.arange(40) / 40  # of the full batch, in the first half of the run
    parts = np.round(1 / shares).astype(int)
    assert [len(plan) for plan in ramped] == [parts[:20].sum(), parts[20:].sum(), 20, 20]
    assert [len(rows) for rows in ramped[0][2:9]] == [12, 12, 13, 13, 12, 12, 17]
    for a, b in zip(full, ramped, strict=True):
        np.testing.assert_array_equal(np.concatenate(a), np.concatenate(b))


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        return np.concatenate(batching.plan(LENGTHS, Train(), seed, epoch)).tolist()

    assert order(1, 0) == order(1, 0)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4


def test_a_text_longer_than_the_budget_is_a_batch_of_its_own():
    lengths = np.array([3, 50, 2])
    settings = Train(batch_size=None, batch_tokens=10, sort_by_length=False)
    plan = batching.plan(lengths, settings, seed=0, epoch=0)
    assert sorted(len(rows) for rows in plan if 1 in rows) == [1]


def test_sorting_by_length_saves_padding_and_still_shuffles():
    def waste(plan):
        padded = sum(len(rows) * LENGTHS[rows].max() for rows in plan)
        return 1 - LENGTHS.sum() / padded

    straight = batching.plan(LENGTHS, Train(batch_size=16, sort_by_length=False), 1, 0)
    by_length = batching.plan(LENGTHS, Train(batch_size=16), 1, 0)
    assert waste(straight) > 0.4
    assert waste(by_length) < 0.05
    longest = [LENGTHS[rows].max() for rows in by_length]
    assert longest != sorted(longest)


def test_a_batch_is_padded_to_its_longest_text_and_to_whole_parts():
    split = a_split(np.array([2, 0, 3]))
    got = batching.batch(split, np.array([2, 0, 1]), parts=2)
    assert got["ids"].tolist() == [[3, 4, 5], [1, 2, 0], [0, 0, 0], [0, 0, 0]]
    assert got["label"].tolist() == [2, 0, 1, 0]
    assert got["weight"].tolist() == [1, 1, 1, 0]


def test_fixed_shapes_are_rounded_up():
    got = batching.batch(a_split(np.array([2, 5])), np.array([0, 1]), parts=2, fixed=(3, 4))
    assert got["ids"].shape == (6, 8)
    assert got["weight"].tolist() == [1, 1, 0, 0, 0, 0]
