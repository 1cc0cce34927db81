"""Batches of a masked language model, from prepared data on disk."""

import json

import numpy as np
import pytest

from configs.loading import parse
from pipeline.errors import JobError
from pipeline.prepare import prepare
from pipeline.training import examples, not_finite

PAD, UNKNOWN, START, END, MASK = range(5)
RECIPE = """
name: test
work: {folder}
data: {{train: {folder}/a.jsonl, valid: 0.2}}
text: {{max_length: 24, tokenizer: {{kind: wordpiece, size: 60}}}}
model: {{kind: bert}}
task: {{kind: masked_language_model{task}}}
train: {{batch_size: 7, epochs: 2}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("pretraining"), np.random.default_rng(0)
    with open(folder / "a.jsonl", "w") as file:
        for _ in range(60):
            words = ["".join(random.choice([*"abc"], 3)) for _ in range(30)]
            lines = [" ".join(words[start : start + 5]) for start in range(0, 30, 5)]
            file.write(json.dumps({"text": "\n".join(lines)}) + "\n")
    return folder


@pytest.fixture(scope="module")
def made(folder):
    """A maker of splits and a recipe, from settings of the task."""

    def make(task="", *settings):
        recipe = parse(RECIPE.format(folder=folder, task=task), list(settings))
        return recipe, examples.load(recipe, prepare(recipe), [])

    return make


def epoch(recipe, split, number=0, position=0, replicas=1):
    found = examples.batches(recipe, split, replicas).epoch(number, position)
    return [
        batch._replace(tensors={n: x.numpy() for n, x in batch.tensors.items()}) for batch in found
    ]


@pytest.mark.parametrize("task", ["", ", masking: {static: true}", ", pairs: none"])
def test_what_a_batch_holds(made, task):
    recipe, splits = made(task)
    split = splits["train"]
    seen, masked, free = [], 0, 0
    for batch in epoch(recipe, split):
        tensors = batch.tensors.items()
        assert {x.dtype.name for n, x in tensors if not n.endswith("weight")} == {"int32"}
        assert batch.tensors["weight"].tolist() == [1.0] * len(batch.rows)
        hidden = np.count_nonzero(batch.tensors["targets"])
        assert batch.tensors["token_weight"] == pytest.approx(len(batch.rows) / hidden)
        assert batch.tokens == np.count_nonzero(batch.tensors["ids"])
        assert batch.tensors["targets"].any(axis=0).all()  # no place that no row needs
        seen += batch.rows.tolist()
        for i, row in enumerate(batch.rows):
            ids, types, places, targets = (
                batch.tensors[name][i] for name in ("ids", "types", "places", "targets")
            )
            number, length = np.count_nonzero(targets), split.ids.lengths[row]
            assert (np.diff(places[:number]) > 0).all()
            assert not places[number:].any()
            masked, free = masked + number, free + length - (2 if "none" in task else 3)
            ids = ids.copy()
            ids[places[:number]] = targets[:number]
            if "static" not in task:
                np.testing.assert_array_equal(ids[:length], split.ids[row])
            assert not ids[length:].any()
            ends = np.flatnonzero(ids == END)
            assert (ids[0], ends[-1]) == (START, length - 1)
            if "none" in task:
                assert not types.any()
                assert len(ends) == 1
            else:
                second = np.arange(len(ids)) > ends[0]
                np.testing.assert_array_equal(types, second & (np.arange(len(ids)) < length))
            assert batch.tensors["next"][i] == split.labels.next[row]
    assert sorted(seen) == list(range(len(split)))
    assert masked / free == pytest.approx(0.15, abs=0.01)
    assert split.labels.next.any() == ("none" not in task)
    assert split.ids.values.dtype == np.uint8


def test_each_epoch_has_its_masks_from_any_position_on(made):
    recipe, splits = made()
    split = splits["train"]

    def hidden(number, position=0):
        return {
            int(row): tuple(places[targets > 0].tolist())
            for batch in epoch(recipe, split, number, position)
            for row, places, targets in zip(
                batch.rows, batch.tensors["places"], batch.tensors["targets"], strict=True
            )
        }

    first = hidden(0)
    assert hidden(0) == first
    assert hidden(0, 3).items() < first.items()
    other = hidden(1)
    assert np.mean([other[row] != first[row] for row in first]) > 0.8
    # Another batch size changes which rows are together, not what is hidden of each.
    larger, _ = made("", "train.batch_size=16")
    assert {
        int(row): tuple(places[targets > 0].tolist())
        for batch in epoch(larger, split)
        for row, places, targets in zip(
            batch.rows, batch.tensors["places"], batch.tensors["targets"], strict=True
        )
    } == first


def test_replicas_and_compilers_get_few_shapes(made):
    recipe, splits = made("", "train.xla=true")
    shapes = {
        tuple(sorted((name, x.shape) for name, x in batch.tensors.items()))
        for batch in epoch(recipe, splits["train"], replicas=2)
    }
    assert {dict(shape)["ids"][0] for shape in shapes} == {14}
    assert {dict(shape)["ids"][1] for shape in shapes} <= {16, 32}
    assert {dict(shape)["targets"][1] for shape in shapes} <= {4, 8}
    last = epoch(recipe, splits["valid"], replicas=2)[-1]
    filling = np.arange(14) >= len(last.rows)
    assert filling.any()
    for x in last.tensors.values():
        assert not x[filling].any()


def test_a_loss_that_is_not_finite_leaves_its_tokens_behind(made, tmp_path):
    split, rows = made()[1]["train"], np.array([3, 1])
    figures = {"loss": float("nan"), "norm": 1.0, "scale": 1.0}
    with pytest.raises(JobError, match="at step 7"):
        not_finite.check(7, rows, figures, split, tmp_path)
    written = json.loads((tmp_path / "not_finite" / "step-00000007.json").read_text())
    assert [told["example"] for told in written["examples"]] == [3, 1]
    assert written["examples"][0]["ids"] == split.ids[3].tolist()
    assert written["examples"][0]["next"] == split.labels.next[3]
