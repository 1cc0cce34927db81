"""Questions from files to windows: what is learned, and what answers are compared with."""

import gzip
import itertools
import json

import numpy as np
import pytest
import tensorflow as tf
from reading import dead_letters, examples

from pipeline import data
from pipeline.prepare import prepare
from pipeline.questions import labels
from pipeline.text import tokenizers
from pipeline.text.windows import Windows, windowing, windows

LONG = "  ".join(f"Word {n} stands, here." for n in range(12)) + " Café\u0301s end it."
RECORDS = [
    ("a", "Who?", "The  Tall man.", [("Tall man", 5), ("man", 10)]),
    ("b", "Where is it?", LONG, [("11 stands", LONG.index("11 stands"))]),
    ("c", "What ends it?", LONG, [("Café\u0301s", LONG.index("Café"))]),
    ("d", "Why not?", LONG, []),
]
TASK = (
    "task: {kind: span, impossible: true, stride: 10, longest_question: 4, longest_answer: 8}",
    "text: {max_length: 30, tokenizer: {kind: %s, size: 90}}",
    "model: {kind: lstm}",
)


def written(tmp_path, records=RECORDS):
    path = tmp_path / "train.jsonl"
    rows = [
        {
            "id": name,
            "question": question,
            "context": context,
            "answers": [{"text": text, "start": start} for text, start in answers],
        }
        for name, question, context, answers in records
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(params=["word", "wordpiece", "sentencepiece"])
def made(request, recipe, tmp_path):
    """The recipe and its prepared data, with each kind of tokenizer."""
    lines = [line % request.param if "%" in line else line for line in TASK]
    read = recipe(f"data: {{train: {written(tmp_path)}, valid: null}}", *lines)
    return read, prepare(read)


def test_windows_hold_the_answers_or_none(made):
    read, prepared = made
    split = data.load(prepared, "train", read, 0)
    asked = split.asked
    assert (asked.ids, asked.split.texts) == (["a", "b", "c", "d"], [r[1] for r in RECORDS])
    assert [asked.answers[row] for row in range(4)] == [
        [text for text, _ in answers] for _, _, _, answers in RECORDS
    ]
    found = [set() for _ in RECORDS]
    for n, (first, last) in enumerate(split.labels.tolist()):
        row, shift = asked.windows.rows[n], asked.windows.begins[n] - asked.windows.leads[n]
        if first:
            found[row].add(asked.cut(row, first + shift, last + shift))
        assert len(split.ids[n]) == len(split.inputs["types"][n]) <= 30
        assert split.texts[n] == RECORDS[row][1]
    assert found[0] == {"Tall man"}
    assert {part.split()[0] for part in found[1]} == {"11"}
    assert {part.rstrip(".") for part in found[2]} == {"Café\u0301s"}
    assert found[3] == set()


def test_a_window_has_the_whole_answer_or_none():
    begins, ends, leads = np.array([0, 3, 6]), np.array([5, 8, 10]), np.array([4, 4, 4])
    three = Windows(None, None, np.zeros(3, int), leads, begins, ends, begins, ends)
    for first, last in itertools.combinations_with_replacement(range(10), 2):
        answer = data.Sequences(np.array([first, last]), np.array([0, 2]))
        wanted = [
            [4 + first - begin, 4 + last - begin] if begin <= first and last < end else [0, 0]
            for begin, end in zip(begins, ends, strict=True)
        ]
        assert labels(answer, three).tolist() == wanted


def test_a_server_s_windows_are_those_that_are_learned(made):
    """From raw strings in one TensorFlow function."""
    read, prepared = made
    split = data.load(prepared, "train", read, 0)
    tokenizer = tokenizers.load(prepared / "tokenizer")
    how = windowing(tokenizer, read.task)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2)
    def of_strings(questions, contexts):
        second_ids, begins, ends = tokenizer.places(contexts)
        return windows(tokenizer.all_ids(questions), second_ids, how), begins, ends

    made_now, begins, ends = of_strings([r[1] for r in RECORDS], [r[2] for r in RECORDS])
    for one, other in (
        (made_now.ids, split.ids),
        (made_now.types, split.inputs["types"]),
        (begins, split.asked.begins),
        (ends, split.asked.ends),
    ):
        assert one.to_list() == [other[n].tolist() for n in range(len(other))]
    for one, other in zip(made_now[2:], split.asked.windows[2:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_examples_hold_whole_texts(made):
    _, prepared = made
    first = examples(prepared, "train")[0]
    assert (first["id"], first["text"], first["second_text"]) == ("a", "Who?", "The  Tall man.")
    assert len(first["label"]) == 2
    assert len(first["second_ids"]) == len(first["begins"]) == len(first["ends"])


def test_more_questions_than_are_windowed_at_a_time(made, monkeypatch):
    read, prepared = made
    whole = data.load(prepared, "train", read, 0)
    monkeypatch.setattr("pipeline.questions.CHUNK", 2)
    parts = data.load(prepared, "train", read, 0)
    np.testing.assert_array_equal(whole.ids.values, parts.ids.values)
    np.testing.assert_array_equal(whole.ids.offsets, parts.ids.offsets)
    np.testing.assert_array_equal(whole.labels, parts.labels)
    for one, other in zip(whole.asked.windows[2:], parts.asked.windows[2:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_questions_about_a_context_stay_in_one_split(recipe, tmp_path):
    records = [(f"{c}-{q}", f"Question {q}?", f"Context {c}.", []) for c in range(40) for q in "ab"]
    path = written(tmp_path, records)
    lines = [line % "word" if "%" in line else line for line in TASK]
    prepared = prepare(recipe(f"data: {{train: {path}, valid: 0.3}}", *lines))
    contexts = [{e["second_text"] for e in examples(prepared, s)} for s in ("train", "valid")]
    assert all(len(some) > 5 for some in contexts)
    assert not contexts[0] & contexts[1]


def test_misplaced_answers_are_dead_letters_with_their_line(recipe, tmp_path):
    path = written(tmp_path, [*RECORDS, ("e", "Who?", "The man.", [("man", 3)])])
    lines = [line % "word" if "%" in line else line for line in TASK]
    prepared = prepare(recipe(f"data: {{train: {path}, valid: null, max_bad: 0.5}}", *lines))
    (letter,) = dead_letters(prepared)
    assert (letter["line"], letter["reason"]) == (
        5,
        "an answer does not stand where its start says",
    )


def test_real_questions(recipe, tmp_path, data):
    """SQuAD's file, a part of it: nearly all answers can be cut from the contexts as they are."""
    from pipeline import data as loading

    with gzip.open(data / "squad" / "dev-v2.0.json.gz") as file:
        whole = json.load(file)
    path = tmp_path / "part.json"
    path.write_text(json.dumps({**whole, "data": whole["data"][:1]}))
    read = recipe(
        f"data: {{train: {path}, valid: null, format: squad}}",
        "task: {kind: span, impossible: true}",
        "text: {max_length: 128, tokenizer: {kind: wordpiece, size: 2000}}",
        "model: {kind: lstm}",
    )
    split = loading.load(prepare(read), "train", read, 0)
    asked, right = split.asked, []
    for n, (first, last) in enumerate(split.labels.tolist()):
        row, shift = asked.windows.rows[n], asked.windows.begins[n] - asked.windows.leads[n]
        if first:
            right.append(asked.cut(row, first + shift, last + shift) == asked.answers[row][0])
    assert len(right) > 100
    assert np.mean(right) > 0.98
