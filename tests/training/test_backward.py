"""Texts read from their ends: as texts that were turned round, read from their beginnings."""

import numpy as np
import pytest
from language_model_kinds import documents, model, recipe

from configs.tasks import LanguageModel
from configs.training import Train
from pipeline import data, perplexity, streams
from pipeline.training import examples

TASK = LanguageModel(kind="language_model")
RUNNING = LanguageModel(kind="language_model", carry="stream")
AWD = "model={kind: awd_lstm, width: 5, units: 6, layers: 2}"


def split_of(texts):
    """A split of these token ids."""
    offsets = np.cumsum([0, *map(len, texts)])
    ids = data.Sequences(np.concatenate(texts).astype(np.int32), offsets)
    return data.Split({"ids": ids}, None, ["x"] * len(texts), {}, np.ones(len(texts), np.float32))


@pytest.fixture
def texts():
    split = documents(3, 11, 1, 7)
    return [split.ids[row] for row in range(4)]


def test_a_running_text_is_read_from_its_last_word_to_its_first(texts):
    split = split_of(texts[:2])
    row = streams.stream(split, [0, 1], RUNNING, True)
    (_, *first), (_, *second) = (text.tolist() for text in texts[:2])
    read = [*second[::-1], *first[::-1]]
    assert split.ids.values[row.sources].tolist() == read
    assert split.ids.values[row.targets].tolist() == [*read[1:], read[0]]
    assert not row.fresh.any()


@pytest.mark.parametrize("task", [TASK, RUNNING])
def test_training_reads_every_word_once(texts, task):
    chosen = recipe(AWD, "model.backward=true", f"task.carry={task.carry}")
    made = examples.batches(chosen, split_of(texts), 1)
    seen = [batch.tensors["targets"].numpy() for batch in made.epoch(0, 0)]
    seen = np.concatenate([targets[targets != 0] for targets in seen])
    boundary = 2 if task is TASK else 3
    words = np.concatenate([text[1:-1] for text in texts])
    assert sorted(seen) == sorted([*words, *[boundary] * len(texts)])


def test_rows_run_on_backward():
    texts = [[2, *range(5, 9), 3], [2, *range(9, 14), 3]]
    settings = Train(batch_size=1, window=4, epochs=1)
    made = streams.Streams(split_of(texts), settings, 1, RUNNING, False, backward=True)
    read = np.concatenate([b.tensors["ids"].numpy()[0] for b in made.epoch(0, 0)])
    assert read[read != 0].tolist() == [3, 13, 12, 11, 10, 9, 3, 8, 7, 6, 5]


@pytest.mark.parametrize("task", [TASK, RUNNING])
def test_losses_are_those_of_texts_turned_round(texts, task, monkeypatch):
    monkeypatch.setattr(perplexity, "WINDOW", 4)
    net, split = model(AWD), split_of(texts)
    found, words = perplexity.DocumentLosses(net, task, split, backward=True)(split)
    if task is TASK:
        other = split_of([text[::-1] for text in texts])
        expected, same = perplexity.DocumentLosses(net, task, other)(other)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    else:
        # All boundaries are alike, so that it does not matter which one comes first.
        other = split_of([[2, *text[1:-1][::-1], 3] for text in texts[::-1]])
        expected, same = perplexity.DocumentLosses(net, task, other)(other)
        assert found.sum() == pytest.approx(expected.sum(), rel=1e-5)
        same = same[::-1]
    assert words.tolist() == same.tolist()
    forward, _ = perplexity.DocumentLosses(net, task, split)(split)
    assert abs(forward.sum() - found.sum()) > 1e-3
