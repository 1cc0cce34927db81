"""Windows of running text without a state: what stands in them, and in which order."""

import numpy as np
import pytest

from configs.tasks import LanguageModel
from configs.training import Train
from pipeline.data import Sequences, Split
from pipeline.packed_windows import PackedWindows
from pipeline.text.special import END, START

LENGTHS = (3, 1, 9, 30, 2, 5, 14)


@pytest.fixture(scope="module")
def split():
    """Documents of words that stand nowhere else."""
    words = iter(range(10, 100))
    documents = [[START, *(next(words) for _ in range(n)), END] for n in LENGTHS]
    ids = np.array([token for document in documents for token in document], np.int32)
    offsets = np.cumsum([0, *map(len, documents)])
    return Split({"ids": Sequences(ids, offsets)}, None, [], {}, np.ones(len(LENGTHS), np.float32))


def windows(split, carry="document", **settings):
    train = Train(**{"batch_size": 4, "epochs": 2} | settings)
    task = LanguageModel(kind="language_model", carry=carry)
    return PackedWindows(split, train, 5, task, context=8)


def shown(batches, epoch=0, position=0):
    return [
        {name: x.numpy() for name, x in batch.tensors.items()}
        for batch in batches.epoch(epoch, position)
    ]


@pytest.mark.parametrize("carry", ["document", "stream"])
def test_each_word_is_foretold_once_an_epoch_from_the_one_before(split, carry):
    batches = windows(split, carry)
    before = dict(zip(split.ids.values[1:], split.ids.values[:-1], strict=True))
    for epoch in range(2):
        found = shown(batches, epoch)
        assert len(found) == batches.steps[epoch]
        targets = np.concatenate([batch["targets"].ravel() for batch in found])
        words = [target for target in targets.tolist() if target > END]
        assert sorted(words) == list(range(10, 10 + sum(LENGTHS)))
        assert (targets == END).sum() == len(LENGTHS)
        for batch in found:
            assert batch["ids"].shape[1] == 8
            np.testing.assert_array_equal(batch["weight"], (batch["targets"] != 0).sum(1))
            for source, target in zip(batch["ids"].ravel(), batch["targets"].ravel(), strict=True):
                first = carry == "stream" and before.get(target) == START
                assert target <= END or source == (END if first else before[target])


def test_documents_say_where_they_begin(split):
    for batch in shown(windows(split)):
        np.testing.assert_array_equal(batch["fresh"], batch["ids"] == START)
    assert not any(batch["fresh"].any() for batch in shown(windows(split, "stream")))


def test_epochs_differ_and_any_can_be_entered_anywhere(split):
    batches = windows(split)
    first, again, second = shown(batches), shown(batches), shown(batches, 1)
    for one, other in zip(first[1:], shown(batches, 0, 1), strict=True):
        np.testing.assert_array_equal(one["ids"], other["ids"])
    np.testing.assert_array_equal(first[0]["ids"], again[0]["ids"])
    assert (first[0]["ids"] != second[0]["ids"]).any()


def test_rows_are_filled_up_for_all_parts(split):
    train = Train(batch_size=4, epochs=1)
    task = LanguageModel(kind="language_model")
    # 71 words in windows of 8 are 9: two batches of four, and one of one.
    for parts, fixed, rows in ((3, False, [3, 6, 6]), (1, False, [1, 4, 4]), (1, True, [4, 4, 4])):
        batches = PackedWindows(split, train, 5, task, 8, parts, fixed)
        found = shown(batches)
        assert sorted(len(batch["ids"]) for batch in found) == rows
        assert sum(batch["weight"].sum() for batch in found) == sum(LENGTHS) + len(LENGTHS)


def test_a_batch_may_be_told_in_tokens(split):
    batches = windows(split, batch_size=None, batch_tokens=17)
    assert sorted(len(batch["ids"]) for batch in shown(batches)) == [1, 2, 2, 2, 2]
    assert batches.rows == 2


def test_batches_may_grow(split):
    # Of 9 windows in batches of 4, to be halved in the first half of the run.
    batches = windows(split, batch_ramp={"start": 0.4, "over": 1.0})
    first, second = shown(batches), shown(batches, 1)
    assert batches.steps == [len(first), len(second)] == [5, 3]
    for found, rows in ((first, [1, 2, 2, 2, 2]), (second, [1, 4, 4])):
        assert sorted(len(batch["ids"]) for batch in found) == rows
        targets = np.concatenate([batch["targets"].ravel() for batch in found])
        assert (targets != 0).sum() == sum(LENGTHS) + len(LENGTHS)
