"""Running text: every word once, states that go on where they should and nowhere else."""

import numpy as np
import pytest
import tensorflow as tf
from language_model_kinds import documents, model, recipe

from configs.loading import RecipeError
from configs.tasks import LanguageModel
from configs.training import Train
from pipeline import build, data, perplexity, streams, tasks
from pipeline.training import examples
from pipeline.training.step import Step

TASK = LanguageModel(kind="language_model")
RUNNING = LanguageModel(kind="language_model", carry="stream")


def losses_of_whole(net, ids, prefix=""):
    """Each word's loss when the model reads a document in one piece, one direction at a time."""
    split = documents(len(ids) - 2)
    split.ids.values[:] = ids
    split.inputs["characters"].values[:] = ids
    shown = {}
    for before, backward in (("", False), ("second_", True)):
        row = streams.stream(split, [0], TASK, backward)
        shown |= streams.window(split, [row], 0, len(row), before)
    shown |= {
        name: np.zeros((1, t.shape[-1]), "f")
        for name, t in net.input.items()
        if name.startswith("state_")
    }
    return np.asarray(net({name: shown[name] for name in net.input})["losses"])[0]


@pytest.mark.parametrize("task", [TASK, RUNNING])
def test_an_epoch_predicts_every_word_once(task):
    split = documents(3, 11, 1, 7, 20)
    made = streams.Streams(split, Train(batch_size=4, window=5, epochs=2), 1, task, False)
    for epoch in (0, 1):
        batches = [batch.tensors for batch in made.epoch(epoch, 0)]
        assert len(batches) == made.steps[epoch]
        seen = np.concatenate([b["targets"].numpy().ravel() for b in batches])
        expected = split.ids.values[split.ids.values != 2]
        assert sorted(seen[seen != 0]) == sorted(expected)
        assert sum(batch.tokens for batch in made.epoch(epoch, 0)) == len(expected)


def test_a_row_runs_on_from_batch_to_batch_through_whole_documents():
    split = documents(9, 14, 6)
    made = streams.Streams(split, Train(batch_size=2, window=4, epochs=1), 5, TASK, True)
    batches = [batch.tensors for batch in made.epoch(0, 0)]
    texts = [split.ids[row].tolist() for row in range(3)]
    for prefix, turn in (("", 1), ("second_", -1)):
        flat = {
            name: np.concatenate([b[prefix + name].numpy() for b in batches], axis=1)
            for name in ("ids", "targets", "fresh")
        }
        read, after, fresh = (flat[name][flat["targets"] != 0] for name in flat)
        starts = np.flatnonzero(fresh)
        assert starts[0] == 0
        ends = [*starts[1:], len(read)]
        found = [
            [*read[start:end], after[end - 1]] for start, end in zip(starts, ends, strict=True)
        ]
        assert sorted(found) == sorted(text[::turn] for text in texts)
        for start, end in zip(starts, ends, strict=True):
            assert (read[start + 1 : end] == after[start : end - 1]).all()


def test_both_directions_have_the_same_words_in_each_row():
    made = streams.Streams(documents(9, 14, 6, 3), recipe().train, 5, TASK, True)
    for batch in made.epoch(1, 0):
        tensors = batch.tensors
        assert np.array_equal(tensors["targets"] != 0, tensors["second_targets"] != 0)
        assert np.array_equal(tensors["fresh"], tensors["second_fresh"])


@pytest.mark.parametrize("epoch", [0, 1])
def test_texts_that_run_on_stay_in_their_order(epoch):
    split = documents(3, 11, 1, 7, 20, 2)
    made = streams.Streams(split, Train(batch_size=2, window=5, epochs=2), 1, RUNNING, False)
    tensors = [batch.tensors for batch in made.epoch(epoch, 0)]
    rows = np.concatenate([t["targets"].numpy() for t in tensors], axis=1)
    read = [row[row != 0] for row in rows]
    np.testing.assert_array_equal(np.concatenate(read), split.ids.values[split.ids.values != 2])
    assert not any(t["fresh"].numpy().any() for t in tensors)


def test_an_epoch_goes_on_in_the_middle():
    made = streams.Streams(documents(30, 20), recipe().train, 3, TASK, True)
    whole, rest = list(made.epoch(1, 0)), list(made.epoch(1, 2))
    assert len(rest) == len(whole) - 2
    for name, value in rest[0].tensors.items():
        assert np.array_equal(value, whole[2].tensors[name])


def test_a_document_has_the_same_loss_alone_and_among_others(monkeypatch):
    monkeypatch.setattr(perplexity, "WINDOW", 4)
    monkeypatch.setattr(perplexity, "ROWS", 2)
    net, split = model(), documents(3, 11, 1, 7, 20)
    losses, words = perplexity.DocumentLosses(net, TASK, split)(split)
    assert words.tolist() == [4, 12, 2, 8, 21]
    for row in range(5):
        expected = losses_of_whole(net, split.ids[row]).sum()
        assert losses[row] == pytest.approx(expected, rel=1e-5)


def part_of(split, start, end):
    """A split of some documents alone."""
    ids, offsets = split.ids.values, split.ids.offsets
    cut = data.Sequences(
        ids[offsets[start] : offsets[end]], offsets[start : end + 1] - offsets[start]
    )
    return data.Split({"ids": cut}, None, ["x"] * (end - start), {}, np.ones(end - start, "f"))


def test_parts_of_a_running_text_are_texts_of_their_own(monkeypatch):
    monkeypatch.setattr(perplexity, "WINDOW", 4)
    net = model("model={kind: awd_lstm, width: 5, units: 6, layers: 2}")
    split = part_of(documents(9, 5, 12, 7, 20, 3), 0, 6)
    losses, words = perplexity.DocumentLosses(net, RUNNING, split, parts=3)(split)
    whole, same = perplexity.DocumentLosses(net, RUNNING, split)(split)
    assert words.tolist() == same.tolist() == (split.lengths - 1).tolist()
    for start, end in ((0, 2), (2, 4), (4, 6)):  # 11 + 7, 14 + 9, 22 + 5 tokens
        alone = part_of(split, start, end)
        expected, _ = perplexity.DocumentLosses(net, RUNNING, alone)(alone)
        np.testing.assert_allclose(losses[start:end], expected, rtol=1e-5)
    assert abs(losses[2] - whole[2]) > 1e-4


def step_of(net, split, **settings):
    chosen = Train(**{"optimizer": {"kind": "sgd"}, "batch_size": 2, "window": 4, **settings})
    optimizer = build.build_optimizer(chosen, 10, [net.trainable_variables])
    signature = streams.signature(split, True)
    strategy = tf.distribute.get_strategy()
    return Step(net, optimizer, tasks.loss_function(TASK), strategy, chosen, 0, signature)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_step_goes_on_with_the_state_that_the_one_before_ended_with(accumulation):
    """With no learning, the losses of all windows are those of the documents in one piece."""
    net, split = model(), documents(9, 9)
    step = step_of(net, split, learning_rate=1e-30, accumulation=accumulation)
    made = streams.Streams(split, step.settings, 0, TASK, True)
    found = sum(
        float(step(batch.tensors, number, False)["loss"])
        for number, batch in enumerate(made.epoch(0, 0))
    )
    expected = sum(losses_of_whole(net, split.ids[row]).sum() for row in range(2))
    assert found == pytest.approx(expected, rel=1e-5)
    first = next(made.epoch(0, 0)).tensors
    carried = float(step(first, 0, False)["loss"])
    step.forget()
    assert carried == pytest.approx(float(step(first, 0, False)["loss"]), rel=1e-6)  # fresh rows


def test_the_state_is_what_a_checkpoint_must_hold():
    net, split = model(), documents(9, 9)
    step = step_of(net, split)
    names = {f"state_{i}" for i in range(8)}
    assert names <= step.variables().keys()
    [batch, *_] = streams.Streams(split, step.settings, 0, TASK, True).epoch(0, 0)
    step(batch.tensors, 0, False)
    assert all(np.abs(step.variables()[name].numpy()).max() > 0 for name in names)
    step.forget()
    assert not any(step.variables()[name].numpy().any() for name in names)


def test_a_batch_names_the_documents_that_it_shows():
    split = documents(9, 14, 6, 3)
    made = streams.Streams(split, Train(batch_size=2, window=4, epochs=1), 5, TASK, True)
    starts = {split.ids[row][1]: row for row in range(4)}
    seen = set()
    for batch in made.epoch(0, 0):
        seen |= set(batch.rows.tolist())
        fresh = batch.tensors["fresh"].numpy()
        begun = {starts[word] for word in batch.tensors["targets"].numpy()[fresh]}
        assert begun <= set(batch.rows.tolist())
        assert len(batch.rows) < 4
    assert seen == {0, 1, 2, 3}


def test_rows_that_cannot_be_shared_out_are_refused():
    chosen = recipe("train.batch_size=6", "train.accumulation=2")
    with pytest.raises(RecipeError, match=r"rows for each of 4 parts \(2 replicas"):
        examples.batches(chosen, documents(9, 9), replicas=2)


class TestVaryingWindows:
    VARIED = Train(batch_size=4, window=20, epochs=3, vary_window=True)

    def made(self, *lengths, seed=1):
        return streams.Streams(documents(*lengths), self.VARIED, seed, TASK, False)

    def test_lengths_are_drawn_as_the_paper_says(self):
        edges = streams.varied(2_000_000, 70, np.random.default_rng(0))
        lengths = np.diff(edges)
        assert (edges[0], edges[-1]) == (0, 2_000_000)
        assert lengths[:-1].min() >= 5
        whole = lengths > 52
        assert whole.mean() == pytest.approx(0.95, abs=0.005)
        # Rounding down takes half a word.
        assert lengths[whole].mean() == pytest.approx(69.5, abs=0.2)
        assert lengths[~whole].mean() == pytest.approx(34.5, abs=0.5)
        assert lengths[whole].std() == pytest.approx(5, abs=0.2)

    def test_short_windows_have_five_words_at_least(self):
        lengths = np.diff(streams.varied(10_000, 6, np.random.default_rng(0)))
        assert lengths[:-1].min() == 5

    def test_they_are_a_function_of_seed_and_epoch(self):
        edges = [self.made(300, 200, seed=seed).edges for seed in (1, 1, 2)]
        assert all((a == b).all() for a, b in zip(edges[0], edges[1], strict=True))
        drawn = [each.tolist() for each in (*edges[0], *edges[2])]
        assert all(drawn.count(each) == 1 for each in drawn)

    def test_an_epoch_predicts_every_word_once_in_the_steps_it_told(self):
        made = self.made(300, 200, 7, 150)
        expected = sorted(made.split.ids.values[made.split.ids.values != 2])
        for epoch in range(3):
            batches = [batch.tensors["targets"].numpy() for batch in made.epoch(epoch, 0)]
            assert len(batches) == made.steps[epoch]
            assert len({targets.shape[1] for targets in batches}) > 3
            seen = np.concatenate([targets.ravel() for targets in batches])
            assert sorted(seen[seen != 0]) == expected

    def test_an_epoch_goes_on_in_the_middle(self):
        made = self.made(300, 200)
        whole, rest = list(made.epoch(1, 0)), list(made.epoch(1, 3))
        assert len(rest) == len(whole) - 3
        for a, b in zip(whole[3:], rest, strict=True):
            assert all(np.array_equal(a.tensors[name], b.tensors[name]) for name in a.tensors)

    def test_the_rate_goes_with_the_length(self):
        """A window of 3 of 4 words moves the weights by three quarters of the rate."""
        moved = []
        for settings in ({"vary_window": True, "learning_rate": 0.4}, {"learning_rate": 0.3}):
            net, split = model(), documents(9, 9)
            step = step_of(net, split, **settings)
            shown = streams.Streams(split, Train(batch_size=2, window=3), 0, TASK, True)
            batch = next(shown.epoch(0, 0))
            step(batch.tensors, 0, False)
            moved.append(net.get_weights())
        for a, b in zip(*moved, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)

    @pytest.mark.parametrize("compiled", ["train.xla=true", "train.strategy.kind=tpu"])
    def test_compilers_of_each_shape_are_refused(self, compiled):
        with pytest.raises(RecipeError, match="vary_window makes windows of many lengths"):
            recipe("train.vary_window=true", compiled)
