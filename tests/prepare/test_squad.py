"""SQuAD's files read, and what is refused of them and of other records of questions."""

import gzip
import json
import os
from pathlib import Path

import pytest

from configs.tasks import Span
from pipeline.errors import JobError
from pipeline.prepare.bad_records import Bad
from pipeline.prepare.checks import checker, label_columns, text_columns
from pipeline.prepare.right_answers import right_answers
from pipeline.prepare.sources import read

CONTEXT = "The 1973 oil crisis began in October 1973, in the 🛢 trade."
NEEDED = ("question", "context", "answers", "id")
QUESTION = {
    "id": "a1",
    "question": "When?",
    "answers": [{"text": "October 1973", "answer_start": 29}, {"text": "1973", "answer_start": 37}],
}
IMPOSSIBLE = {
    "id": "a2",
    "question": "Who?",
    "is_impossible": True,
    "answers": [],
    "plausible_answers": [{"text": "oil", "answer_start": 9}],
}


def squad(*questions, **more):
    paragraph = {"context": CONTEXT, "qas": list(questions)}
    return {"version": "v2.0", "data": [{"title": "Oil", "paragraphs": [paragraph]}], **more}


def records(path, needed=NEEDED):
    return list(read(str(path), "squad", needed))


def check(record, **settings):
    task = Span(kind="span", **settings)
    return checker(task, ())(record)


def test_questions_are_records(tmp_path):
    path = tmp_path / "train.json.gz"
    path.write_bytes(gzip.compress(json.dumps(squad(QUESTION, IMPOSSIBLE), indent=1).encode()))
    (first, one), (second, two) = records(path)
    assert (first, second) == (1, 2)
    assert one == {**QUESTION, "title": "Oil", "context": CONTEXT}
    assert two["answers"] == []
    checked = check(one)
    assert checked.texts == (b"When?", CONTEXT.encode())
    assert (checked.id, checked.label) == (b"a1", ())
    assert checked.answers == (("October 1973", 29, 41), ("1973", 37, 41))
    assert check(two, impossible=True).answers == ()
    assert check(two).reason == "no answer: should task.impossible be true?"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"data": [\n{"title": "Oil",\n', r":3: this is no JSON"),
        (b"[1, 2]", ":1: this is no file of SQuAD's"),
        (b'{"data": {}}', ":1: this is no file of SQuAD's"),
        (b'{"data": "\xff"}', ":1: cannot be read"),
    ],
)
def test_damaged_files_are_told_with_their_line(content, said, tmp_path):
    path = tmp_path / "train.json"
    path.write_bytes(content)
    with pytest.raises(JobError, match=said):
        records(path)


def test_a_file_that_was_cut_off(tmp_path):
    path = tmp_path / "train.json.gz"
    path.write_bytes(gzip.compress(json.dumps(squad(QUESTION)).encode())[:-12])
    with pytest.raises(JobError, match="cannot be read"):
        records(path)


def test_a_column_that_squad_does_not_have(tmp_path):
    (tmp_path / "train.json").write_text(json.dumps(squad(QUESTION)))
    with pytest.raises(JobError, match="no column 'answer'"):
        records(tmp_path / "train.json", ("answer",))


def test_damaged_parts_are_bad_records(tmp_path):
    parts = {"data": [None, {"paragraphs": 3}, {"paragraphs": [{"context": "x", "qas": ["y"]}]}]}
    (tmp_path / "train.json").write_text(json.dumps(parts))
    found = records(tmp_path / "train.json")
    assert [number for number, _ in found] == [1, 2, 3]
    assert {record.reason for _, record in found if isinstance(record, Bad)} == {"broken question"}
    assert found[2][1].excerpt == "y"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (None, "answers are not a list"),
        ("October", "answers are not a list"),
        (["October"], "an answer is not an object with text and start"),
        ([{"text": "October"}], "an answer lacks its text or its start"),
        ([{"text": "October", "start": True}], "an answer lacks its text or its start"),
        ([{"text": " ", "start": 3}], "empty answer"),
        ([{"text": "October", "start": 28}], "an answer does not stand where its start says"),
        ([{"text": "e", "start": -2}], "an answer does not stand where its start says"),
        ([], "no answer: should task.impossible be true?"),
    ],
)
def test_answers_that_are_refused(answers, reason):
    refused = check({**QUESTION, "context": CONTEXT, "answers": answers})
    assert (refused.reason, "When?" in refused.excerpt) == (reason, True)


def test_places_are_code_points():
    found = right_answers([{"text": "trade", "start": 52}], CONTEXT, False)
    assert found == (("trade", 52, 57),)


def test_answers_of_tables():
    columns = {"text": ["1973", "oil"], "answer_start": [4, 9]}
    assert [answer.start for answer in right_answers(columns, CONTEXT, False)] == [4, 9]
    assert right_answers({"text": [], "answer_start": []}, CONTEXT, True) == ()


def test_questions_need_no_names():
    task = Span(kind="span", id=None)
    assert text_columns(task) + label_columns(task) == ("question", "context", "answers")
    record = {"question": "When?", "context": CONTEXT, "answers": QUESTION["answers"]}
    assert check(record, id=None).id == b""
    assert check(record).reason == "missing column"


@pytest.mark.parametrize(("version", "number"), [("1.1", 10570), ("2.0", 11873)])
def test_real_files(version, number):
    folder = Path(os.environ.get("TEXTMILL_DATA", "../shared/data"), "squad")
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set TEXTMILL_DATA")
    found = records(folder / f"dev-v{version}.json.gz")
    checked = [check(record, impossible=version == "2.0") for _, record in found]
    assert len(checked) == number
    assert not any(isinstance(each, Bad) for each in checked)
