"""`textmill new`: every kind of file, and settings that follow from what is in it."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from configs import loading
from configs.data import Data
from pipeline.recipes import new

WORDS = np.array(["a", "bit", "of", "text", "which", "has", "some", "words"])


def texts(number, seed=0):
    """Different texts of 1 to 40 words."""
    draw = np.random.default_rng(seed)
    return [f"{i} " + " ".join(draw.choice(WORDS, draw.integers(1, 40))) for i in range(number)]


def written(tmp_path, rows, kind=None, **columns):
    """The recipe that `new` writes for rows in a CSV file."""
    path = tmp_path / "data.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    columns = {"text": "text", "label": "label", **columns}
    text = new.recipe(Data(train=str(path), test=None), model="text_cnn", kind=kind, **columns)
    return loading.parse(text), text


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_files_of_all_formats(name, tmp_path):
    rows = [
        {"body": text, "kind": "ab"[i % 2]} for i, text in enumerate([*texts(48), "NA", "null"])
    ]
    path, table = tmp_path / name, pd.DataFrame(rows)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    match name.split(".", 1)[1]:
        case "csv":
            table.to_csv(path, index=False)
        case "tsv":
            table.to_csv(path, index=False, sep="\t")
        case "jsonl":
            path.write_text(lines)
        case "jsonl.gz":
            path.write_bytes(gzip.compress(lines.encode()))
        case "parquet":
            table.to_parquet(path)
    text = new.recipe(Data(train=str(path), test=None), "body", "kind", "text_cnn")
    recipe = loading.parse(text)
    assert "# 50 usable rows\n" in text
    assert (recipe.task.kind, recipe.task.text, recipe.task.label) == ("classify", "body", "kind")


def test_wrong_column_is_told_with_those_there_are(tmp_path):
    rows = {"text": ["a"], "label": ["b"]}
    with pytest.raises(loading.RecipeError) as caught:
        written(tmp_path, rows, label="lable")
    assert str(caught.value).startswith("--label: no column 'lable' in ")
    assert str(caught.value).endswith("did you mean 'label'? its columns are 'text', 'label'")


def test_a_column_that_nobody_named_is_left_alone(tmp_path):
    rows = {"id": range(60), "text": texts(60), "label": ["a", "b"] * 30}
    recipe, _ = written(tmp_path, rows)
    assert recipe.task.kind == "classify"


LABELS = {
    "classify": [["yes", "no"][i % 2] for i in range(300)],
    "multilabel": ["|".join(c for k, c in enumerate("abcde") if i >> k & 1) for i in range(1, 301)],
    "regress": [i / 7 for i in range(300)],
}


@pytest.mark.parametrize("kind", LABELS)
def test_task_is_guessed_from_the_labels(kind, tmp_path):
    recipe, _ = written(tmp_path, {"text": texts(300), "label": LABELS[kind]})
    assert recipe.task.kind == kind


def test_few_whole_numbers_are_labels(tmp_path):
    recipe, _ = written(tmp_path, {"text": texts(300), "label": [i % 5 for i in range(300)]})
    assert recipe.task.kind == "classify"


def test_lists_are_several_labels(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a b", "label": ["x", "y"]}\n{"text": "c", "label": []}\n')
    text = new.recipe(Data(train=str(path), test=None), "text", "label", "text_cnn")
    assert loading.parse(text).task.kind == "multilabel"


@pytest.mark.parametrize("labels", [[f"id {i}" for i in range(300)], ["same"] * 300])
def test_columns_that_hold_no_labels_are_refused(labels, tmp_path):
    with pytest.raises(loading.RecipeError, match="--label: column 'label'"):
        written(tmp_path, {"text": texts(300), "label": labels})


def test_max_length_is_that_of_nearly_all_texts(tmp_path):
    rows = {"text": [*texts(400), "long " * 300], "label": LABELS["classify"][:200] * 2 + ["no"]}
    recipe, _ = written(tmp_path, rows)
    lengths = [len(text.split()) for text in rows["text"]]
    assert np.percentile(lengths, 99) <= recipe.text.max_length < np.percentile(lengths, 99) + 9


def test_settings_follow_from_the_data(tmp_path):
    plain, _ = written(tmp_path, {"text": texts(300), "label": LABELS["classify"]})
    assert (plain.text.html, plain.task.class_weights, plain.data.max_bad) == (False, "none", 0.01)
    assert plain.text.tokenizer.kind == "word"

    tagged, _ = written(
        tmp_path, {"text": [f"{t}<br />" for t in texts(300)], "label": LABELS["classify"]}
    )
    assert tagged.text.html
    assert tagged.text.max_length == plain.text.max_length

    rare, _ = written(tmp_path, {"text": texts(300), "label": ["a"] * 295 + ["b"] * 5})
    assert rare.task.class_weights == "balanced"

    holes, text = written(
        tmp_path, {"text": [*texts(290), *[""] * 10], "label": LABELS["classify"]}
    )
    assert holes.data.max_bad > 10 / 300
    assert "10 with empty text" in text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("สวัสดีครับ ขอบคุณมาก", "sentencepiece"),
        ("服务太差了不推荐", "sentencepiece"),
        ("コーヒーが美味しい", "sentencepiece"),
        ("ບໍລິການດີ", "sentencepiece"),
        ("ဝန်ဆောင်မှုကောင်းတယ်", "sentencepiece"),
        ("សេវាកម្មល្អ", "sentencepiece"),
        ("བཀྲ་ཤིས་བདེ་ལེགས", "sentencepiece"),
        ("the food was good ขอบคุณมาก", "sentencepiece"),  # 11 of 25 letters
        ("the food was good but not the coffee ขอบ", "word"),
        ("서비스가 정말 좋아요", "word"),
        ("الخدمة ممتازة جدا", "word"),
        ("यह बहुत अच्छा है", "word"),
    ],
)
def test_texts_without_spaces_are_cut_into_pieces(text, kind, tmp_path):
    recipe, _ = written(tmp_path, {"text": [text] * 300, "label": LABELS["classify"]})
    assert recipe.text.tokenizer.kind == kind


@pytest.mark.parametrize(
    ("model", "kind"), [("bert", "sentencepiece"), ("gpt", "sentencepiece"), ("elmo", "word")]
)
def test_families_read_texts_without_spaces(model, kind, tmp_path):
    path = tmp_path / "thai.jsonl"
    path.write_text('{"text": "สวัสดีครับ ขอบคุณมาก"}\n' * 30)
    task = "masked_language_model" if model == "bert" else "language_model"
    recipe = loading.parse(new.recipe(Data(train=str(path)), "text", None, model, task))
    assert recipe.text.tokenizer.kind == kind  # an ELMo spells words


def sentences(path, rows):
    path.write_text("\n".join("".join(f"{w}\t{t}\n" for w, t in row) for row in rows))
    return Data(train=str(path), test=None)


SPANS = {
    "bio": [("New", "B-loc"), ("York", "I-loc"), ("is", "O"), ("Emma", "B-per")],
    "iob1": [("New", "I-loc"), ("York", "I-loc"), ("Oslo", "B-loc"), ("is", "O"), ("J", "I-per")],
    "bioes": [("New", "B-loc"), ("York", "E-loc"), ("is", "O"), ("Emma", "S-per")],
    "plain": [("New", "PROPN"), ("York", "PROPN"), ("is", "VERB")],
}


@pytest.mark.parametrize("scheme", SPANS)
def test_lists_of_words_are_to_be_tagged_as_their_tags_are_spelled(scheme, tmp_path):
    files = sentences(tmp_path / "names.conll", [SPANS[scheme]] * 30)
    recipe = loading.parse(new.recipe(files, "1", "2"))
    assert (recipe.task.kind, recipe.task.text, recipe.task.label) == ("tag", "1", "2")
    assert recipe.task.scheme == scheme
    assert recipe.task.decoder == ("softmax" if scheme == "plain" else "crf")
    assert recipe.model.kind == "lstm"


@pytest.mark.parametrize(("labels", "kind"), [(["a", "b"], "classify"), ([1.5, 2.25], "regress")])
def test_pairs(labels, kind, tmp_path):
    path = tmp_path / "pairs.csv"
    rows = [
        (a, b, labels[i % 2]) for i, (a, b) in enumerate(zip(texts(60), texts(60, 1), strict=True))
    ]
    pd.DataFrame(rows, columns=["one", "other", "score"]).to_csv(path, index=False)
    files = Data(train=str(path), test=None)
    recipe = loading.parse(new.recipe(files, "one", "score", second="other"))
    assert (recipe.task.kind, recipe.task.second) == (kind, "other")
    with pytest.raises(loading.RecipeError, match=r"--second: no column 'othr'.*'other'"):
        new.recipe(files, "one", "score", second="othr")
    with pytest.raises(loading.RecipeError, match="--second: pairs are to classify"):
        new.recipe(files, "one", "score", kind="multilabel", second="other")


def test_texts_without_labels_are_for_a_language_model(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text("\n".join(texts(50)))
    files = Data(train=str(path), test=None)
    recipe = loading.parse(new.recipe(files, "text"))
    assert (recipe.task.kind, recipe.model.kind) == ("language_model", "elmo")
    with pytest.raises(loading.RecipeError, match="--task classify needs --label"):
        new.recipe(files, "text", kind="classify")
