"""`textmill new --init-from`: the recipe says what the weights need, and its job starts there."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs import loading
from configs.data import Data
from pipeline.errors import JobError
from pipeline.prepare import prepare
from pipeline.recipes import new
from pipeline.training.train import train

TINY = Path(__file__).parents[1] / "huggingface" / "tiny_bert"
WORDS = np.array(["the", "cat", "cats", "sat", "cafe", "a", "ab", ","])


def texts(number, seed=0):
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(2, 8))) for _ in range(number)]


def table(path, **columns):
    pd.DataFrame(columns).to_csv(path, index=False)
    return Data(train=str(path), test=None)


def job(text, folder, *settings):
    """Two steps of what a recipe says."""
    made = loading.parse(text, [f"work={folder / 'work'}", "train.max_steps=2", *settings])
    return train(made, prepare(made))


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"label": ["x", "y"] * 30}, "classify"),
        ({"label": ["x", "y"] * 30, "second": texts(60, 1)}, "classify"),
        ({"label": np.arange(60) / 7}, "regress"),
        ({}, "masked_language_model"),
    ],
)
def test_a_job_starts_from_a_folder_of_hugging_face(columns, kind, tmp_path, caplog):
    caplog.set_level(logging.INFO, "textmill")
    files = table(tmp_path / "mine.csv", text=texts(60), **columns)
    named = {name: name for name in columns}
    text = new.recipe(files, "text", **named, kind=kind, init_from=str(TINY / "pretraining"))
    recipe = loading.parse(text)
    assert recipe.task.kind == kind
    assert recipe.text.strip_accents  # an uncased vocabulary
    assert recipe.text.drop_controls
    assert recipe.text.max_length <= recipe.model.positions == 12
    job(text, tmp_path)
    head = "none" if kind == "masked_language_model" else "head"
    assert f"new: {head}\n" in caplog.text
    assert "it knew 13 of 13 words" in caplog.text


def test_a_cased_vocabulary_keeps_letters_as_they_are(tmp_path):
    for file in (TINY / "pretraining").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    files = table(tmp_path / "mine.csv", text=texts(60), label=["x", "y"] * 30)
    recipe = loading.parse(new.recipe(files, "text", "label", init_from=str(tmp_path)))
    spelling = recipe.text.lower, recipe.text.strip_accents, recipe.text.unicode
    assert spelling == (False, False, "none")


@pytest.mark.parametrize("kind", ["masked_language_model", "language_model"])
@pytest.mark.slow
def test_from_own_texts_to_own_labels(kind, tmp_path, caplog):
    """Pretrained on texts by one written recipe, fine-tuned on labels by another one."""
    caplog.set_level(logging.INFO, "textmill")
    book = tmp_path / "book.txt"
    book.write_text("\n".join(texts(400)))
    family = {"masked_language_model": "bert", "language_model": "gpt"}[kind]
    pretraining = new.recipe(Data(train=str(book), test=None), "text", kind=kind, model=family)
    pieces = "text.tokenizer.size=28"
    run = job(pretraining, tmp_path, pieces, "model.size=tiny", "train.batch_size=8")
    files = table(tmp_path / "mine.csv", text=texts(60), label=["x", "y"] * 30)
    text = new.recipe(files, "text", "label", init_from=str(run))
    recipe = loading.parse(text)
    assert (recipe.model.kind, recipe.model.layers, recipe.model.width) == (family, 2, 128)
    # Without pairs it has learned no vector of a whole text.
    assert getattr(recipe.model, "pooling", None) is None or recipe.model.pooling.kind == "mean"
    caplog.clear()
    job(text, tmp_path)
    assert "new: head\n" in caplog.text


@pytest.mark.slow
def test_an_elmo_is_for_another_model_to_read(tmp_path):
    book = tmp_path / "book.txt"
    book.write_text("\n".join(texts(100)))
    text = new.recipe(Data(train=str(book), test=None), "text")
    run = job(text, tmp_path, "model.units=16", "train.batch_size=2")
    files = table(tmp_path / "mine.csv", text=texts(60), label=["x", "y"] * 30)
    with pytest.raises(loading.RecipeError, match=r"holds an ELMo.*embedding: \{elmo: "):
        new.recipe(files, "text", "label", init_from=str(run))


def test_weights_of_another_family_are_refused(tmp_path):
    files = table(tmp_path / "mine.csv", text=texts(60), label=["x", "y"] * 30)
    with pytest.raises(loading.RecipeError, match=r"--model gpt: .* of kind bert: leave --model"):
        new.recipe(files, "text", "label", "gpt", init_from=str(TINY / "pretraining"))
    with pytest.raises(JobError, match="no trained run"):
        new.recipe(files, "text", "label", init_from=str(tmp_path / "none"))


def test_answers_in_contexts_are_for_a_span_model(tmp_path):
    path = tmp_path / "questions.jsonl"
    asked = {"question": "where did the cat sit?", "context": "the cat sat in a cafe"}
    right = [{"text": "in a cafe", "start": 12}]
    rows = [{**asked, "id": str(n), "answers": right if n % 3 else []} for n in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = Data(train=str(path), test=None)
    recipe = loading.parse(new.recipe(files, "question", "answers", second="context"))
    assert (recipe.task.kind, recipe.model.kind, recipe.task.id) == ("span", "bert", "id")
    assert recipe.task.impossible
    assert (recipe.task.question, recipe.task.context) == ("question", "context")
    with pytest.raises(loading.RecipeError, match="--second CONTEXTS"):
        new.recipe(files, "question", "answers")


def test_a_format_that_names_do_not_tell_is_said(tmp_path):
    answers = [{"text": "the cat", "answer_start": 0}]
    asked = {"id": "1", "question": "who?", "answers": answers}
    article = {"title": "t", "paragraphs": [{"context": "the cat sat", "qas": [asked]}]}
    path = tmp_path / "questions.json"
    path.write_text(json.dumps({"version": "1.1", "data": [article]}))
    files = Data(train=str(path), test=None, format="squad")
    recipe = loading.parse(new.recipe(files, "question", "answers", second="context"))
    assert recipe.data.format == "squad"
    assert (recipe.task.kind, recipe.task.impossible) == ("span", False)


def test_a_transformer_reads_pairs_as_one_text(tmp_path):
    files = table(
        tmp_path / "mine.csv", a=["word " * 40] * 60, b=["word " * 30] * 60, y=[0, 1] * 30
    )
    both = loading.parse(new.recipe(files, "a", "y", "bert", second="b"))
    each = loading.parse(new.recipe(files, "a", "y", "text_cnn", second="b"))
    assert (each.text.max_length, both.text.max_length) == (40, 112)  # 70 * 1.5 + 3
