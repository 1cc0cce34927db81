"""A gpt by the real stages: paragraphs in, an export out, asked, and written on."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import tensorflow as tf
from running_server import running

from configs.recipe import Recipe
from pipeline import artifacts
from pipeline.evaluation.evaluate import evaluate
from pipeline.generation import Sampling, generate
from pipeline.prepare import prepare
from pipeline.publishing.export import export
from pipeline.publishing.verify import golden_requests, verify
from pipeline.publishing.written_texts import GREEDY
from pipeline.training.train import train

pytestmark = pytest.mark.slow

LINES = ["my card is lost", "where is my card ?", "pay the card", "the card is here , so pay it"]
MODEL = {"kind": "gpt", "layers": 2, "width": 16, "heads": 2, "context": 12}
TOKENIZER = {"kind": "sentencepiece", "algorithm": "bpe", "size": 40}


def ran(recipe):
    prepared = prepare(recipe)
    run_dir = train(recipe, prepared)
    evaluate(recipe, prepared, run_dir)
    return recipe, run_dir, export(recipe, run_dir)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """(recipe, run_dir, export_dir); the longest line is longer than the context."""
    folder = tmp_path_factory.mktemp("gpt")
    for name, number in (("train", 20), ("test", 3)):
        lines = [f"{line}\n" for line in LINES * number]
        (folder / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
    settings = {
        "name": "gpt",
        "work": str(folder / "work"),
        "data": {name: str(folder / f"{name}.txt") for name in ("train", "test")} | {"valid": None},
        "text": {"max_length": 11, "tokenizer": TOKENIZER},
        "task": {"kind": "language_model"},
        "model": MODEL,
        "train": {"epochs": 6, "batch_size": 4, "learning_rate": 0.01},
        "evaluate": {"resamples": 200, "stride": 5},
        "export": {"golden": 5, "top_k": 3},
    }
    return ran(Recipe.model_validate(settings))


def test_it_answers_what_the_trained_model_answered(job):
    _, _, exported = job
    assert verify(exported) <= 1e-5
    signatures = ["serving_default", "next", "generate"]
    assert artifacts.manifest(exported)["signatures"] == signatures
    asked = {request.get("signature", "serving_default") for request in golden_requests(exported)}
    assert asked == {"serving_default", "next"}


def test_what_it_says_of_itself(job):
    _, run_dir, exported = job
    card = (exported / "MODEL_CARD.md").read_text(encoding="utf-8")
    page = (run_dir / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert "A gpt that tells how likely a text is and what comes next" in card
    assert "The signature `generate` writes on." in card
    assert "windows of 12 tokens, each 5 behind the one before" in page
    assert "has 7 tokens before it at least" in page
    found = json.loads((run_dir / "evaluation" / "metrics.json").read_text())
    assert found["perplexity"]["value"] < found["unigram_perplexity"]["value"]


@pytest.mark.parametrize("prompt", ["my card", "", "the card is here , so pay it the card is lost"])
def test_the_export_writes_what_the_command_writes(job, prompt):
    _, run_dir, exported = job
    expected = generate(run_dir, prompt, 20, Sampling(temperature=0.0))
    rows = {name: tf.constant([value]) for name, value in GREEDY.items()}
    loaded = tf.saved_model.load(str(exported))
    text, tokens = tf.constant([prompt]), tf.constant([20])
    found = loaded.signatures["generate"](text=text, tokens=tokens, **rows)
    assert found["text"][0].numpy().decode() == expected["text"]
    assert found["written"][0] == expected["tokens"]


def test_a_server_writes_on(job, tmp_path):
    """By REST, and verified by both protocols."""
    _, run_dir, exported = job
    expected = generate(run_dir, "my card", 9, Sampling(temperature=0.0))["text"]
    row = {"text": "my card", "tokens": 9, **GREEDY}
    body = {"signature_name": "generate", "instances": [row]}
    with running(tmp_path, exported) as server:
        url = f"{server.rest}/v1/models/gpt:predict"
        answer = httpx.post(url, json=body, timeout=60).json()
        assert answer["predictions"][0]["text"] == expected
        command = [sys.executable, "-m", "serving.verify", exported, "--url", server.rest]
        done = subprocess.run(
            [*command, "--grpc", server.grpc], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr


def test_labels_from_the_language_model_to_an_export(job, tmp_path):
    recipe, run_dir, _ = job
    for name, number in (("train", 20), ("test", 3)):
        with open(tmp_path / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows([[line, "pay" if "pay" in line else "no"] for line in LINES * number])
    settings = recipe.model_dump(mode="json") | {
        "name": "labels",
        "init_from": str(run_dir),
        "data": {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}
        | {"valid": None},
        "text": {"max_length": 12, "tokenizer": {"kind": "sentencepiece", "model": str(run_dir)}},
        "task": {"kind": "classify"},
        "evaluate": {"resamples": 200},
    }
    _, labelled, exported = ran(Recipe.model_validate(settings))
    assert verify(exported) <= 1e-5
    found = json.loads((labelled / "evaluation" / "metrics.json").read_text())
    assert found["accuracy"]["value"] > 0.9
    answer = tf.saved_model.load(str(exported)).signatures["serving_default"]
    labels = answer(text=tf.constant(["pay my card", "where is the card ?"]))["label"]
    assert labels.numpy().tolist() == [b"pay", b"no"]
    assert Path(exported, "weights.json").read_text().count("softmax/bias") == 1
