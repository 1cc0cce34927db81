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
from pipeline.publishing import answers, saved_model
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
    assert list(got[0]) == ["id", "text", "label", "predicted_label", "predicted_score"]
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
    assert predict(export_dir, inputs, out)["rows"] == 2 + 7 + 2 + 2 + 6
    written = ["00000-b.csv", "00001-c.jsonl", "00002-d.jsonl", "00003-e.jsonl", "00004-a.csv"]
    assert (
        sorted(path.name for path in out.iterdir() if path.suffix in (".csv", ".jsonl")) == written
    )
    assert [row["n"] for row in read_csv(out / written[0])] == ["1", "2"]
    assert [row["more"] for row in read_jsonl(out / written[1])[:-1]] == [x["more"] for x in lines]
    assert read_jsonl(out / written[1])[-1]["odd"] == "\ud800"
    assert [row["n"] for row in read_jsonl(out / written[2])] == [1.5, None]
    assert [row["text"] for row in read_jsonl(out / written[3])] == ["my card", "send money"]
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
    assert [row["text"] for row in got] == ["my card", "pay"]


def test_a_file_of_bad_rows_alone(export_dir, tmp_path):
    (tmp_path / "bad.jsonl").write_text("{}\n")
    assert predict(export_dir, [str(tmp_path / "bad.jsonl")], tmp_path / "out")["predicted"] == 0


def test_the_text_may_be_in_another_column(export_dir, tmp_path):
    (tmp_path / "x.csv").write_text("question\nmy card\n")
    with pytest.raises(JobError, match="no column 'text'; the file has columns 'question'"):
        predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out", columns=["question"])
    assert len(read_csv(tmp_path / "out" / "00000-x.csv")) == 1


def test_answers_given_before_are_replaced(export_dir, tmp_path):
    (tmp_path / "x.csv").write_text("predicted_label,text\nold,my card\n")
    predict(export_dir, [str(tmp_path / "x.csv")], tmp_path / "out")
    [row] = read_csv(tmp_path / "out" / "00000-x.csv")
    assert list(row) == ["predicted_label", "text", "predicted_score"]
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
    got = answers.columns(outputs, Multilabel(kind="multilabel"), ["x", "y", "z"])
    assert got[0] == {"predicted_labels": ["x", "z"], "predicted_scores": [0.6, 0.9]}
    assert got[1] == {"predicted_labels": [], "predicted_scores": []}
    outputs = {"value": np.array([1.23456789, -2.0], np.float32)}
    assert answers.columns(outputs, Regress(kind="regress"), []) == [
        {"predicted_value": 1.234568},
        {"predicted_value": -2.0},
    ]
