"""BERT by the real stages: files in, an export out, asked in every way there is."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from configs.recipe import Recipe
from pipeline import artifacts, batching, data, runs
from pipeline.build import layer_groups
from pipeline.errors import JobError
from pipeline.evaluation.evaluate import evaluate
from pipeline.prepare import prepare
from pipeline.publishing import saved_model
from pipeline.publishing.export import export
from pipeline.publishing.predict import predict
from pipeline.publishing.verify import verify
from pipeline.text.model_inputs import ModelInputs
from pipeline.training.train import train

pytestmark = pytest.mark.slow

PLACES = ["London is in England", "Köln is in Germany", "Ada lives in London", "we met in Köln"]
CARDS = ["I lost my card", "my card is gone", "where did my card go?", "card stolen"]
SIZE = {"kind": "bert", "layers": 2, "width": 16, "heads": 2, "inner": 24, "positions": 16}
TEXT = {"max_length": 14, "tokenizer": {"kind": "wordpiece", "size": 90, "min_count": 1}}


def recipe(folder, name, path, **changes):
    return Recipe.model_validate(
        {
            "name": name,
            "work": str(folder / "work"),
            "data": {"train": str(path), "valid": 0.2, "test": 0.2},
            "text": TEXT,
            "model": SIZE,
            "train": {"epochs": 2, "batch_size": 8, "learning_rate": 0.003},
            "evaluate": {"resamples": 100},
            "export": {"golden": 5},
            **changes,
        }
    )


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """The recipe and the run of a model of pairs, some of which are longer than a sequence."""
    folder = tmp_path_factory.mktemp("pairs")
    rows = [
        (f"{a} {n}", f"{n}: {b} {'and more ' * (n % 5)}", "same" if one is other else "other")
        for n in range(4)
        for one in (PLACES, CARDS)
        for other in (PLACES, CARDS)
        for a, b in zip(one, other[n:] + other[:n], strict=True)
    ]
    with open(folder / "train.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["premise", "hypothesis", "label"], *rows])
    task = {"kind": "classify", "text": "premise", "second": "hypothesis"}
    made = recipe(folder, "pairs", folder / "train.csv", task=task)
    return made, train(made, prepare(made))


@pytest.fixture(scope="module")
def exported(pairs):
    made, run_dir = pairs
    evaluate(made, prepare(made), run_dir)
    return export(made, run_dir)


def read_jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_it_answers_what_the_trained_model_answered(exported):
    assert verify(exported) <= 1e-5


def test_what_it_says_of_itself(exported, pairs):
    assert artifacts.manifest(exported)["signatures"] == ["serving_default", "ids"]
    card = " ".join((exported / "MODEL_CARD.md").read_text().split())
    assert "A bert that gives two texts one label of 2" in card
    assert "first 11 tokens of both texts together" in card
    assert "and `types` of the same shape" in card
    page = (pairs[1] / "evaluation" / "report.html").read_text()
    assert "BERT of run pairs-" in page


def test_the_model_is_shown_what_it_was_trained_on(pairs):
    trained = runs.load(pairs[1])
    split = data.load(trained.prepared, "train", trained.recipe, len(trained.labels))
    inputs = ModelInputs(trained.tokenizer, trained.model.input, pair=True)
    shown = inputs.of_texts(tf.constant(split.texts), tf.constant(split.second_texts))
    prepared = batching.batch(split, np.arange(len(split)), 1)
    assert sorted(shown) == sorted(trained.model.input) == ["ids", "types"]
    for name in shown:
        np.testing.assert_array_equal(shown[name], prepared[name])
    spelled = [trained.tokenizer.vocabulary[token] for token in split.ids[0]]
    assert (spelled[0], spelled[-1], spelled.count("[SEP]")) == ("[CLS]", "[SEP]", 2)
    assert max(split.lengths) == 14  # some were cut


def test_files_are_answered(exported, tmp_path):
    rows = [{"premise": PLACES[0], "hypothesis": b} for b in (PLACES[1], CARDS[0], "x " * 50)]
    (tmp_path / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert predict(exported, [str(tmp_path / "new.jsonl")], tmp_path / "out")["predicted"] == 3
    answer = saved_model.load(exported)
    for row, got in zip(rows, read_jsonl(tmp_path / "out" / "00000-new.jsonl"), strict=True):
        outputs = answer([row["premise"]], [row["hypothesis"]])
        assert got["predicted_label"] == outputs["label"][0]
        assert got["predicted_score"] == pytest.approx(float(outputs["score"][0]), abs=1e-6)


def test_groups_are_vectors_each_layer_and_the_head_with_the_pooler(pairs):
    groups = layer_groups(runs.load(pairs[1]).model)
    layers = [{path.split("/")[0] for path in (v.path for v in group)} for group in groups]
    assert layers == [{"embeddings"}, {"encoder"}, {"encoder"}, {"pooler", "head"}]
    assert {v.path.split("/")[1] for v in groups[2]} == {"layer_1"}


SENTENCES = [
    "Ada/B-per Lovelace/I-per lives/O in/O London/B-loc ./O",
    "we/O met/O in/O Köln/B-loc and/O New/B-loc York/I-loc and/O we/O met/O in/O London/B-loc",
    "my/O card/O is/O lost/O",
]


@pytest.fixture(scope="module")
def tags(pairs, tmp_path_factory):
    """A tagger that starts from the model of pairs; its recipe and its run."""
    folder = tmp_path_factory.mktemp("tags")
    lines = ["".join(f"{w.replace('/', ' ')}\n" for w in s.split()) for s in SENTENCES * 8]
    unlike = [f"{n} O\n{sentence}" for n, sentence in enumerate(lines)]
    (folder / "train.conll").write_text("\n".join(unlike), encoding="utf-8")
    task = {"kind": "tag", "text": "1", "label": "2", "decoder": "crf"}
    steps = {"epochs": 1, "max_steps": 1, "learning_rate": 1e-12}
    path, start = folder / "train.conll", str(pairs[1])
    made = recipe(folder, "tags", path, task=task, init_from=start, train=steps)
    return made, train(made, prepare(made))


def test_weights_go_over_but_for_pooler_and_head(pairs, tags):
    before, after = (
        load_file(run / "training" / "weights.safetensors") for _, run in (pairs, tags)
    )
    for path, value in before.items():
        if path.startswith("encoder/") or path == "embeddings/positions":
            np.testing.assert_allclose(after[path], value, atol=1e-9, err_msg=path)
    assert not any(path.startswith("pooler/") for path in after)
    told = artifacts.manifest(tags[1] / "training")["initial_weights"]
    assert told["init_from.new"] == "head"
    words = [
        (run.parent.parent / "prepared" / artifacts.manifest(run / "training")["prepared"])
        for _, run in (pairs, tags)
    ]
    old, new = ((p / "tokenizer" / "vocabulary.txt").read_text().split("\n") for p in words)
    shared = [(old.index(w), new.index(w)) for w in new if w in old and w]
    ours, theirs = (after["embeddings/table"], before["embeddings/table"])
    np.testing.assert_allclose(
        ours[[n for _, n in shared]], theirs[[o for o, _ in shared]], atol=1e-9
    )


def test_a_tagger_is_shown_what_it_was_trained_on(tags):
    trained = runs.load(tags[1])
    split = data.load(trained.prepared, "train", trained.recipe, len(trained.labels))
    inputs = ModelInputs(trained.tokenizer, trained.model.input)
    whole = [text.split() for text in split.texts]
    shown, lengths = inputs.of_words(tf.ragged.constant(whole))
    prepared = batching.batch(split, np.arange(len(split)), 1)
    assert lengths.numpy().tolist() == split.labels.lengths.tolist()
    assert any(number < len(words) for number, words in zip(lengths, whole, strict=True))
    assert [split.words[row] for row in range(len(split))] == [
        words[:number] for number, words in zip(lengths, whole, strict=True)
    ]
    for name in ("ids", "types", "starts"):
        np.testing.assert_array_equal(shown[name], prepared[name])
    first = split.inputs["starts"][0][0]
    assert first == 2  # after [CLS]


def test_a_tagger_answers_what_it_answered_before_its_export(tags):
    made, run_dir = tags
    evaluate(made, prepare(made), run_dir)
    folder = export(made, run_dir)
    assert verify(folder) <= 1e-5
    assert artifacts.manifest(folder)["signatures"] == ["serving_default", "words"]
    answer = saved_model.load(folder)
    given = answer([["Ada", "lives", "in", "Köln"]], signature="words")
    assert given["words"] == [["Ada", "lives", "in", "Köln"]]
    assert answer(["Ada lives in Köln"])["tags"] == given["tags"]


def test_an_ensemble_reads_as_its_members_do(pairs, tags):
    made, run_dir = pairs
    members = {"kind": "ensemble", "members": (str(run_dir), str(run_dir))}
    together = made.model_copy(update={"name": "both", "model": Recipe.model_validate(
        {**made.model_dump(), "model": members}).model})  # fmt: skip
    both = train(together, prepare(together))
    one = evaluate(made, prepare(made), run_dir)
    assert evaluate(together, prepare(together), both)["accuracy"] == one["accuracy"]
    assert verify(export(together, both)) <= 1e-5
    cnn = made.model_dump() | {"model": {"kind": "text_cnn", "filters": 2}, "name": "cnn"}
    other = train(Recipe.model_validate(cnn), prepare(made))
    mixed = {"kind": "ensemble", "members": (str(run_dir), str(other))}
    with pytest.raises(JobError, match=r"all or none are bert or gpt"):
        train(Recipe.model_validate({**made.model_dump(), "model": mixed}), prepare(made))


def test_a_report_shows_what_pooled_a_pair(pairs):
    made, _ = pairs
    model = {**SIZE, "pooling": {"kind": "attention", "width": 4}}
    other = Recipe.model_validate({**made.model_dump(), "name": "pooled", "model": model})
    run_dir = train(other, prepare(other))
    evaluate(other, prepare(other), run_dir)
    report = artifacts.read_json(run_dir / "evaluation" / "report.json")
    for entry in report["attention"]:
        assert entry["tokens"][0] == "[CLS]"
        assert len(entry["attention"][0]) == len(entry["tokens"])
        assert "second_tokens" not in entry
    assert "[SEP]" in (run_dir / "evaluation" / "report.html").read_text()
    assert Path(run_dir).name.startswith("pooled-")
