"""A model of pairs by the real stages: files in, an export out, asked in every way there is."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from configs.recipe import Recipe
from pipeline import artifacts, batching, data, runs
from pipeline.prepare import prepare
from pipeline.publishing import saved_model
from pipeline.publishing.export import export
from pipeline.publishing.predict import predict
from pipeline.publishing.verify import golden_requests, verify
from pipeline.text.model_inputs import ModelInputs
from pipeline.training.train import train

pytestmark = pytest.mark.slow

SAME = [("I lost my card", "my card is gone"), ("pay a friend", "send money to a friend")]
OTHER = [("I lost my card", "send money to a friend"), ("pay a friend", "my card is gone")]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    rows = [(*pair, label) for label, pairs in (("same", SAME), ("other", OTHER)) for pair in pairs]
    with open(folder / "train.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["premise", "hypothesis", "label"])
        writer.writerows(
            [f"{a} {n}", f"{n}. {b}", label] for n in range(10) for a, b, label in rows
        )
    recipe = Recipe.model_validate(
        {
            "name": "pairs",
            "work": str(folder / "work"),
            "data": {"train": str(folder / "train.csv"), "valid": 0.2, "test": 0.2},
            "text": {"max_length": 20},
            "task": {"kind": "classify", "text": "premise", "second": "hypothesis"},
            "model": {
                "kind": "gru",
                "units": 6,
                "embedding": {"width": 8, "characters": {"width": 4, "filters": [[3, 4]]}},
            },
            "train": {"epochs": 1, "batch_size": 8, "learning_rate": 0.01},
            "export": {"golden": 5},
        }
    )
    return export(recipe, train(recipe, prepare(recipe)))


def test_it_answers_what_the_trained_model_answered(exported):
    assert verify(exported) <= 1e-5


def test_what_it_says_of_itself(exported):
    assert artifacts.manifest(exported)["signatures"] == ["serving_default"]
    card = (exported / "MODEL_CARD.md").read_text()
    assert "A gru that gives two texts one label of 2" in card
    assert """{"inputs": {"text": ["..."], "second": ["..."]}}""" in card
    golden = golden_requests(exported)
    assert list(golden[0]) == ["text", "second", "outputs"]
    assert [request["second"].split(".")[0].isdigit() for request in golden[:5]] == [True] * 5


def test_files_are_answered(exported, tmp_path):
    rows = [{"hypothesis": b, "id": i, "premise": a} for i, (a, b) in enumerate(SAME + OTHER)]
    lines = [*rows, {"premise": "x"}, {"premise": " ", "hypothesis": "x"}]
    path = tmp_path / "new.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    summary = predict(exported, [str(path)], tmp_path / "out")
    assert summary["dead_letters"] == {"empty text": 1, "missing column": 1}
    lines = (tmp_path / "out" / "00000-new.jsonl").read_text().splitlines()
    got = [json.loads(line) for line in lines]
    answer = saved_model.load(exported)
    assert [row["predicted_reason"] for row in got[-2:]] == ["missing column", "empty text"]
    for row, found in zip(rows, got[:-2], strict=True):
        assert found["id"] == row["id"]
        outputs = answer([row["premise"]], [row["hypothesis"]])
        assert found["predicted_label"] == outputs["label"][0]
        assert found["predicted_score"] == pytest.approx(float(outputs["score"][0]), abs=1e-6)


def test_the_model_is_shown_what_it_was_trained_on(exported):
    trained = runs.load(Path(artifacts.manifest(exported)["run_dir"]))
    split = data.load(trained.prepared, "train", trained.recipe, len(trained.labels))
    inputs = ModelInputs(trained.tokenizer, trained.model.input)
    shown = inputs.of_texts(tf.constant(split.texts), tf.constant(split.second_texts))
    prepared = batching.batch(split, np.arange(len(split)), 1)
    assert sorted(shown) == sorted(trained.model.input)
    for name in shown:
        np.testing.assert_array_equal(shown[name], prepared[name])
