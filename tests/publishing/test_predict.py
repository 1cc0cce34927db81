"""Files in, answers out: every format, order and columns, bad rows, any number of workers."""

import csv
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.data import Beam
from configs.tasks import Multilabel, Regress
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.publishing import answering, answers, saved_model
from pipeline.publishing import predict as predicting
from pipeline.publishing.answering import Form
from pipeline.publishing.predict import predict

TEXTS = ["I lost my card", 'say "hi", and\nsend money', "null", "pay " * 50, "Köln 💳", "?"]


@pytest.fixture(scope="module")
def alone(export_dir):
    """The model's answer to one text by itself, as a row of output has it."""
    answer = saved_model.load(export_dir)

    def answered(text):
        outputs = answer([text])
        return outputs["label"][0], pytest.approx(float(outputs["score"][0]), abs=1e-6)

    return answered


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_csv(path, rows, opener=open):
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_csv_keeps_rows_columns_and_order(export_dir, alone, tmp_path):
    rows = [{"id": str(i), "text": text, "label": "money"} for i, text in enumerate(TEXTS)]
    write_csv(tmp_path / "new.csv", rows)
    summary = predict(export_dir, [str(tmp_path / "new.csv")], tmp_path / "out")
    assert (summary["rows"], summary["predicted"], summary["dead_letters"]) == (6, 6, {})
    got = read_csv(tmp_path / "out" / "00000-new.csv")
    answer = ["predicted_row", "predicted_label", "predicted_score", "predicted_reason"]
    assert list(got[0]) == ["id", "text", "label", *answer]
    assert [row["predicted_row"] for row in got] == ["1", "2", "3", "4", "5", "6"]
    assert {row["predicted_reason"] for row in got} == {""}
    assert [{name: row[name] for name in rows[0]} for row in got] == rows
    for row in got:
        assert (row["predicted_label"], float(row["predicted_score"])) == alone(row["text"])


def test_more_rows_than_a_batch_stay_in_order(export_dir, alone, tmp_path):
    rows = [{"text": f"card {'pay ' * (i * 7 % 15)}{i}"} for i in range(1234)]
    write_csv(tmp_path / "many.csv", rows)
    predict(export_dir, [str(tmp_path / "many.csv")], tmp_path / "out")
    got = read_csv(tmp_path / "out" / "00000-many.csv")
    assert [row["text"] for row in got] == [row["text"] for row in rows]
    for row in got[::97]:
        assert (row["predicted_label"], float(row["predicted_score"])) == alone(row["text"])


def test_every_format_and_many_files(export_dir, alone, tmp_path):
    write_csv(tmp_path / "a.csv.gz", [{"text": text} for text in TEXTS], gzip.open)
    (tmp_path / "b.tsv").write_text("n\ttext\n1\tmy card\n2\tsend money\n", encoding="utf-8")
    lines = [{"text": text, "more": {"n": [i]}} for i, text in enumerate(TEXTS)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "c.jsonl").write_text(text + '{"text": "x", "odd": "\\ud800"}\n', encoding="utf-8")
    pq.write_table(pa.table({"n": [1.5, None], "text": ["my card", "pay"]}), tmp_path / "d.parquet")
    (tmp_path / "e.txt").write_text("my card\n\nsend money\n", encoding="utf-8")
    out = tmp_path / "out"
    inputs = [str(tmp_path / "[b-e].*"), str(tmp_path / "a.csv.gz")]
    assert predict(export_dir, inputs, out)["rows"] == 2 + 7 + 2 + 3 + 6
    written = ["00000-b.csv", "00001-c.jsonl", "00002-d.jsonl", "00003-e.jsonl", "00004-a.csv"]
    assert (
        sorted(path.name for path in out.iterdir() if path.suffix in (".csv", ".jsonl")) == written
    )
    assert [row["n"] for row in read_csv(out / written[0])] == ["1", "2"]
    assert [row["more"] for row in read_jsonl(out / written[1])[:-1]] == [x["more"] for x in lines]
    assert read_jsonl(out / written[1])[-1]["odd"] == "\ud800"
    assert [row["n"] for row in read_jsonl(out / written[2])] == [1.5, None]
    assert [row["text"] for row in read_jsonl(out / written[3])] == ["my card", "", "send money"]
    assert [row["text"] for row in read_csv(out / written[4])] == TEXTS
    for row in read_csv(out / written[0]) + read_csv(out / written[4]):
        assert (row["predicted_label"], float(row["predicted_score"])) == alone(row["text"])


def test_bad_rows_become_dead_letters_with_line_and_reason(export_dir, tmp_path):
    path = tmp_path / "bad.jsonl"
    lines = [b'{"text": "my card"}', b'{"text": ', b'{"other": 1}', b'{"text": "  "}']
    path.write_bytes(b"\n".join([*lines, b'{"text": "\xff"}', b'{"text": 7}', b'{"text": "pay"}']))
    summary = predict(export_dir, [str(path)], tmp_path / "out")
    assert (summary["rows"], summary["predicted"]) == (7, 2)
    assert sum(summary["dead_letters"].values()) == 5
    letters = read_jsonl(tmp_path / "out" / "dead_letters" / "00000-bad.jsonl")
    assert [letter["line"] for letter in letters] == [2, 3, 4, 5, 6]
    assert {letter["file"] for letter in letters} == {str(path)}
    assert letters[0]["reason"] == "broken JSON"
    assert letters[2]["reason"] == "empty text"
    got = read_jsonl(tmp_path / "out" / "00000-bad.jsonl")
    assert [row["predicted_row"] for row in got] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.get("text") for row in got] == ["my card", None, None, "  ", None, 7, "pay"]
    answered = [row["predicted_label"] is not None for row in got]
    assert answered == [True, False, False, False, False, False, True]
    assert [row["predicted_reason"] for row in got if row["predicted_reason"]] == [
        letter["reason"] for letter in letters
    ]


def test_bad_rows_keep_their_place_in_a_csv(export_dir, tmp_path):
    (tmp_path / "x.csv").write_text("id,text\n1,a,b\n2,my card\n3,\n4,pay\n5,' '\n6,\"  \"\n")
    predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out")
    got = read_csv(tmp_path / "out" / "00000-x.csv")
    assert [row["id"] for row in got] == ["", "2", "3", "4", "5", "6"]
    reasons = ["wrong number of fields", "", "empty text", "", "", "empty text"]
    assert [row["predicted_reason"] for row in got] == reasons
    assert [bool(row["predicted_label"]) for row in got] == [not reason for reason in reasons]


def test_rows_of_which_none_is_answered_are_an_error(export_dir, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"question": "my card"}\n')
    with pytest.raises(
        JobError, match=r"none of 1 rows is answered \(1 missing column\).*--column"
    ):
        predict(export_dir, [str(tmp_path / "bad.jsonl")], tmp_path / "out")
    [row] = read_jsonl(tmp_path / "out" / "00000-bad.jsonl")
    assert row["predicted_reason"] == "missing column"
    (tmp_path / "nothing.jsonl").write_text("")
    assert predict(export_dir, [str(tmp_path / "nothing.jsonl")], tmp_path / "out")["rows"] == 0


def test_the_score_of_each_label(export_dir, tmp_path):
    write_csv(tmp_path / "x.csv", [{"text": text} for text in TEXTS])
    predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out", form=Form(all_scores=True))
    for row in read_csv(tmp_path / "out" / "00000-x.csv"):
        scores = [float(row[f"predicted_score_of_{label}"]) for label in ("lost, card", "money")]
        assert sum(scores) == pytest.approx(1, abs=2e-6)
        assert max(scores) == float(row["predicted_score"])


def test_numbers_that_json_cannot_spell_are_null(export_dir, tmp_path):
    stars = [1.5, float("nan"), float("-inf")]
    pq.write_table(pa.table({"stars": stars, "text": ["my card"] * 3}), tmp_path / "x.parquet")
    (tmp_path / "y.jsonl").write_text('{"text": "pay", "n": {"big": [1e400, 2]}}\n')
    inputs = [str(tmp_path / "x.parquet"), str(tmp_path / "y.jsonl")]
    predict(export_dir, inputs, tmp_path / "out")

    def rows(name):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]

    assert [row["stars"] for row in rows("00000-x.jsonl")] == [1.5, None, None]
    assert rows("00001-y.jsonl")[0]["n"] == {"big": [None, 2]}


@pytest.mark.parametrize("escape", [True, False])
def test_no_cell_is_a_formula_unless_that_is_asked_for(export_dir, tmp_path, escape):
    texts = ['=HYPERLINK("x")', "+1 card", "-2+3", "@cmd", "\t=1", "card = 1", "\uff1d1"]
    numbers = ["-5", "+1e3", "-", "=1", "7", "", "x"]
    rows = [{"=n": n, "text": text} for n, text in zip(numbers, texts, strict=True)]
    write_csv(tmp_path / "x.csv", rows)
    predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out", form=Form(escape=escape))
    got = read_csv(tmp_path / "out" / "00000-x.csv")
    mark = "'" if escape else ""
    plain = {"card = 1", "-5", "+1e3", "7", "", "x"}
    for row, there in zip(got, rows, strict=True):
        wanted = {
            name: (value if value in plain else mark + value) for name, value in there.items()
        }
        assert row[f"{mark}=n"] == wanted["=n"]
        assert row["text"] == wanted["text"]


def test_a_killed_job_goes_on_and_comes_to_the_same_bytes(export_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(answering, "PART", 4)
    lines = [{"text": f"card {n}" if n % 5 else " "} for n in range(11)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "x.jsonl").write_text(text)
    inputs = [str(tmp_path / "x.jsonl")]
    predict(export_dir, inputs, tmp_path / "whole")

    asked = []

    def killed_at(limit):
        answer = answers.answerer(export_dir)

        def counting(rows):
            asked.extend(rows)
            if len(asked) > limit:
                raise RuntimeError("killed")
            return answer(rows)

        monkeypatch.setattr(answering, "loaded", lambda *_: counting)

    killed_at(6)
    with pytest.raises(JobError, match="killed"):
        predict(export_dir, inputs, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    asked.clear()
    killed_at(99)
    predict(export_dir, inputs, tmp_path / "out")
    assert [row[0] for row in asked] == [b"card 8", b"card 9"]
    same = [artifacts.manifest(tmp_path / name)["files"] for name in ("whole", "out")]
    assert same[0] == same[1]
    assert not list(tmp_path.glob(".*"))


def test_parts_of_other_texts_are_not_taken(export_dir, tmp_path, monkeypatch):
    path, out = tmp_path / "x.jsonl", tmp_path / "out"
    path.write_text('{"text": "my card"}\n')
    with monkeypatch.context() as patched:
        patched.setattr(predicting, "_join", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            predict(export_dir, [str(path)], out)
    path.write_text('{"text": "my payment"}\n')
    predict(export_dir, [str(path)], out)
    assert read_jsonl(out / "00000-x.jsonl")[0]["text"] == "my payment"


def test_the_text_may_be_in_another_column(export_dir, tmp_path):
    (tmp_path / "x.csv").write_text("question\nmy card\n")
    with pytest.raises(JobError, match=r"no column 'text'; .* columns 'question': .*--column"):
        predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out", columns=["question"])
    assert len(read_csv(tmp_path / "out" / "00000-x.csv")) == 1


def test_answers_given_before_are_replaced(export_dir, tmp_path):
    (tmp_path / "x.csv").write_text("predicted_label,text\nold,my card\n")
    predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out")
    [row] = read_csv(tmp_path / "out" / "00000-x.csv")
    assert list(row)[:3] == ["predicted_label", "text", "predicted_row"]
    assert row["predicted_label"] != "old"


def test_the_same_bytes_from_any_number_of_workers(export_dir, tmp_path):
    for n in range(3):
        write_csv(tmp_path / f"{n}.csv", [{"text": f"{text} {n}"} for text in TEXTS * (n + 1)])
    threads = ("--direct_num_workers=3", "--direct_running_mode=multi_threading")
    made = []
    for name, beam in (("one", Beam()), ("three", Beam(options=threads))):
        predict(export_dir, [str(tmp_path / "*.csv")], tmp_path / name, beam)
        made.append(artifacts.manifest(tmp_path / name)["files"])
    assert made[0] == made[1]
    assert len(made[0]) == 3


def test_nothing_else_is_overwritten(export_dir, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    (tmp_path / "x.csv").write_text("text\nmy card\n")
    with pytest.raises(JobError, match="holds no predictions"):
        predict(export_dir, [str(tmp_path / "x.csv")], tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"
    with pytest.raises(JobError, match="holds no predictions"):
        predict(export_dir, [str(tmp_path / "x.csv")], export_dir)
    for _ in range(2):
        predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "00000-x.csv",
        "dead_letters",
        "manifest.json",
    ]


def test_the_columns_of_the_other_tasks():
    import numpy as np

    outputs = {"probabilities": np.array([[0.6, 0.5, 0.9], [0.1, 0.2, 0.3]], np.float32)}
    task = Multilabel(kind="multilabel", threshold=0.5)  # as in exports that have no other
    got = answers.columns(outputs, task, ["x", "y", "z"])
    assert got[0] == {"predicted_labels": ["x", "z"], "predicted_scores": [0.6, 0.9]}
    assert got[1] == {"predicted_labels": [], "predicted_scores": []}
    chosen = {"x": 0.7, "y": 0.15, "z": 0.29}
    got = answers.columns(outputs, Multilabel(kind="multilabel"), ["x", "y", "z"], chosen)
    assert [row["predicted_labels"] for row in got] == [["y", "z"], ["y", "z"]]
    outputs = {"value": np.array([1.23456789, -2.0], np.float32)}
    assert answers.columns(outputs, Regress(kind="regress"), []) == [
        {"predicted_value": 1.234568},
        {"predicted_value": -2.0},
    ]
