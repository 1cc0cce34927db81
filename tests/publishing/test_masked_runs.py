"""A masked language model by the real stages: documents in, an export out, asked in every way."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from configs.recipe import Recipe
from pipeline import (
    artifacts,
    build,
    earlier_weights,
    initial_weights,
    masking,
    pretraining,
    runs,
)
from pipeline.evaluation import compare, compared
from pipeline.evaluation.evaluate import evaluate
from pipeline.huggingface import reading, writing
from pipeline.prepare import prepare
from pipeline.publishing import saved_model
from pipeline.publishing.export import export
from pipeline.publishing.predict import predict
from pipeline.publishing.verify import golden_requests, verify
from pipeline.text.masked_texts import masked_ids
from pipeline.text.wrapping import wrapping
from pipeline.training.train import train

pytestmark = pytest.mark.slow

WORDS = ["the", "a", "cat", "dog", "sat", "ran", "mat", "home", "on", "to", "old", "red"]
MODEL = {"kind": "bert", "layers": 2, "width": 16, "heads": 2, "inner": 24, "positions": 16}


@pytest.fixture(scope="module", params=["next", "none"])
def job(request, tmp_path_factory):
    """(recipe, run_dir, export_dir)."""
    folder, random = tmp_path_factory.mktemp("masked"), np.random.default_rng(0)
    with open(folder / "documents.jsonl", "w") as file:
        for _ in range(40):
            lines = [" ".join(random.choice(WORDS, 6)).capitalize() + "." for _ in range(6)]
            file.write(json.dumps({"text": "\n".join(lines)}) + "\n")
    recipe = Recipe.model_validate(
        {
            "name": request.param,
            "work": str(folder / "work"),
            "data": {"train": str(folder / "documents.jsonl"), "valid": 0.2, "test": 0.2},
            "text": {"max_length": 16, "tokenizer": {"kind": "wordpiece", "size": 60}},
            "task": {
                "kind": "masked_language_model",
                "pairs": request.param,
                "masking": {"rate": 0.4},
            },
            "model": MODEL,
            "train": {"epochs": 2, "batch_size": 8, "learning_rate": 0.01},
            "evaluate": {"resamples": 100},
            "export": {"golden": 5, "top_k": 3},
        }
    )
    prepared = prepare(recipe)
    run_dir = train(recipe, prepared)
    evaluate(recipe, prepared, run_dir)
    return recipe, run_dir, export(recipe, run_dir)


def test_it_answers_what_the_trained_model_answered(job):
    _, _, exported = job
    assert verify(exported) <= 1e-5
    signatures = ["serving_default", "fill", "vectors"]
    assert artifacts.manifest(exported)["signatures"] == signatures
    assert max(request["outputs"]["masks"] for request in golden_requests(exported)) > 1


def test_masks_in_raw_texts(job):
    _, run_dir, exported = job
    trained, answer = runs.load(run_dir), saved_model.load(exported)
    tokenizer, model = trained.tokenizer, trained.model
    texts = ["the [MASK] sat on a [MASK].", "[MASK][MASK]", "no mask", "", "x " * 50 + "[MASK]"]
    found = answer(texts, signature="fill")
    assert found["masks"].tolist() == [2, 2, 0, 0, 0]  # the last text is cut before its mask
    assert [len(tokens) for tokens in found["tokens"]] == [2, 2, 0, 0, 0]
    alone = answer(texts[:1], signature="fill")
    np.testing.assert_allclose(found["scores"][0], alone["scores"][0], atol=1e-6)
    # By what evaluation reads: the losses of each token that might have stood there.
    spelled = ["[CLS]", "the", "[MASK]", "sat", "on", "a", "[MASK]", ".", "[SEP]"]
    ids = np.array([[tokenizer.vocabulary.index(token) for token in spelled]], np.int32)
    np.testing.assert_array_equal(ids[0, 1:-1], masked_ids(tokenizer, tf.constant(texts[:1]))[0])
    rows = np.repeat(ids, tokenizer.vocabulary_size, axis=0)
    targets = np.arange(tokenizer.vocabulary_size, dtype=np.int32)[:, None]
    shown = {"ids": rows, "types": rows * 0, "places": targets * 0 + 2, "targets": targets}
    chances = np.exp(-model(shown, training=False)["losses"].numpy()[:, 0])
    chances[:5] = 0.0  # the special tokens
    best = np.argsort(-chances)[:3]
    assert found["tokens"][0][0] == [tokenizer.vocabulary[token] for token in best]
    np.testing.assert_allclose(found["scores"][0][0], chances[best], atol=1e-6)


def test_vectors_of_raw_texts(job):
    recipe, run_dir, exported = job
    trained = runs.load(run_dir)
    how, texts = wrapping(trained.tokenizer), ["the cat sat", "", "an old dog " * 10]
    found = saved_model.load(exported)(texts, signature="vectors")
    assert found["tokens"].tolist() == [5, 2, 16]
    assert ("pooled" in found) == (recipe.task.pairs == "next")
    for n, text in enumerate(texts):
        ids = trained.tokenizer.all_ids(tf.constant([text])).values.numpy()[: how.room(1)]
        ids = np.array([[how.start_id, *ids, how.end_id]], np.int32)
        none = np.zeros((1, 1), np.int32)
        shown = {"ids": ids, "types": ids * 0, "places": none, "targets": none}
        expected = trained.model(shown, training=False)
        length = ids.shape[1]
        np.testing.assert_allclose(found["vectors"][n, :length], expected["vectors"][0], atol=1e-5)
        assert not found["vectors"][n, length:].any()
        if "pooled" in found:
            np.testing.assert_allclose(found["pooled"][n], expected["pooled"][0], atol=1e-5)


def test_files_are_answered_row_by_row(job, tmp_path):
    _, _, exported = job
    rows = ["the [MASK] sat", "no mask", "[MASK] a [MASK]"]
    (tmp_path / "new.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in rows))
    predict(exported, [str(tmp_path / "new.jsonl")], tmp_path / "out")
    got = pd.read_json(tmp_path / "out" / "00000-new.jsonl", lines=True)
    wanted = saved_model.load(exported)(rows)
    best = [[tokens[0] for tokens in row] for row in wanted["tokens"]]
    assert got["predicted_tokens"].tolist() == best
    assert [len(row) for row in best] == [1, 0, 2]


def test_what_it_says_of_itself(job):
    recipe, run_dir, exported = job
    card = " ".join((exported / "MODEL_CARD.md").read_text(encoding="utf-8").split())
    assert "A bert that tells what a text has in place of [MASK]" in card
    assert "The signature `vectors` takes the same" in card
    report = artifacts.read_json(run_dir / "evaluation" / "report.json")
    assert ("pair_accuracy" in report["metrics"]) == (recipe.task.pairs == "next")
    assert sum(fate["n"] for fate in report["fates"]) == report["hidden"]
    page = (run_dir / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert "Hidden tokens stand in brackets" in page


def test_figures_are_those_of_each_example_by_itself(job):
    recipe, run_dir, _ = job
    trained = runs.load(run_dir)
    split = pretraining.load(trained.prepared, "test", recipe.task)
    table = pd.read_parquet(run_dir / "evaluation" / "predictions.parquet")
    for row in range(0, len(split), 5):
        shown = pretraining.batch(split, np.array([row]), masking.keys(0, 0, np.array([row])))
        given = {name: shown[name] for name in trained.model.input}
        outputs = trained.model(given, training=False)
        assert table["loss"][row] == pytest.approx(np.sum(outputs["losses"]), abs=1e-4)
        assert table["words"][row] == np.count_nonzero(shown["targets"])
        real = shown["targets"] > 0
        right = (outputs["tokens"].numpy() == shown["targets"])[real].sum()
        assert table["right"][row] == right
        if recipe.task.pairs == "next":
            likelier = np.argmax(outputs["next_logits"][0])
            assert table["pair_right"][row] == (likelier == split.labels.next[row])


def test_runs_are_compared_by_the_tokens_that_all_were_asked_for(job):
    _, run_dir, _ = job
    run = compared.from_folder(run_dir)
    compare.check([run, run])
    assert compare.test(run, run)["value"] == 0
    assert run.units == "examples"


def test_labels_start_from_what_it_learned(job):
    recipe, run_dir, _ = job
    task = {"kind": "classify"}
    fine = Recipe.model_validate(
        {**recipe.model_dump(mode="json"), "task": task, "init_from": str(run_dir)}
    )
    tokens = runs.load(run_dir).tokenizer.vocabulary
    model = build.build_model(fine, tokens, 2)
    told = initial_weights.start(model, fine, tokens, ["a", "b"], np.ones(len(tokens), int))
    pooler = [] if recipe.task.pairs == "next" else ["pooler"]
    assert told["init_from.new"] == ", ".join([*pooler, "head"])


def test_transformers_gets_all_of_it(job, tmp_path):
    recipe, run_dir, _ = job
    earlier = earlier_weights.read(run_dir)
    config = writing.write(earlier, tmp_path / "written")
    pairs = recipe.task.pairs == "next"
    assert config["architectures"] == ["BertForPreTraining" if pairs else "BertForMaskedLM"]
    _, vocabulary, _, weights = reading.read(tmp_path / "written")
    assert vocabulary == earlier.vocabulary
    assert weights.keys() == earlier.weights.keys()
    for path, value in weights.items():
        np.testing.assert_array_equal(value, earlier.weights[path], err_msg=path)
