"""Files in other encodings, with other line ends and other marks between fields."""

import csv
import gzip
import json

import pandas as pd
import pytest

from configs import loading
from pipeline.errors import JobError
from pipeline.prepare import lines
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.sources import Bad, read

ROWS = [
    ("Où êtes-vous, “là-bas”? Déjà à Noël — ça coûte 5 €", "fr"),
    ("größer, schöner; äußerst\nzwei Zeilen", "de"),
    ('¿«Qué» "tal", señor?', "es"),
]
CHINESE = [("我非常喜欢这个,产品", "好"), ("服务态度很差\n再也不来了", "坏"), ("第三", "好")]


def written(path, rows, encoding, **more):
    frame = pd.DataFrame(rows, columns=["text", "label"])
    path.write_bytes(frame.to_csv(index=False, **more).encode(encoding))
    return str(path)


def texts(path, kind, needed=("text", "label"), **dialect):
    rows = [row for _, row in read(path, kind, needed, dialect=Dialect(**dialect))]
    assert not [row for row in rows if isinstance(row, Bad)]
    return [tuple(row[name] for name in needed) for row in rows]


@pytest.mark.parametrize(
    ("rows", "encoding"),
    [
        (ROWS, "cp1252"),
        (ROWS, "utf-16-le"),
        (CHINESE, "utf-16-be"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-32-le"),
    ],
)
def test_what_an_encoding_wrote_is_read_by_it(tmp_path, rows, encoding):
    path = written(tmp_path / "a.csv", rows, encoding)
    assert texts(path, "csv", encoding=encoding) == rows


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("declared", ["utf-8", "cp1252"])
def test_a_byte_order_mark_says_the_encoding_whatever_is_declared(tmp_path, encoding, declared):
    path = written(tmp_path / "a.csv", CHINESE, encoding)
    assert texts(path, "csv", encoding=declared) == CHINESE


def test_every_format_of_text_is_decoded(tmp_path):
    rows = [(text.replace("\n", " "), label) for text, label in ROWS]
    many = "".join(json.dumps({"text": t, "label": k}, ensure_ascii=False) + "\n" for t, k in rows)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(many.encode("utf-16")))
    assert texts(str(tmp_path / "a.jsonl.gz"), "jsonl") == rows
    (tmp_path / "a.txt").write_text("\n".join(text for text, _ in rows), "cp1252")
    lines_of_text = texts(str(tmp_path / "a.txt"), "text", ("text",), encoding="cp1252")
    assert lines_of_text == [(text,) for text, _ in rows]
    (tmp_path / "a.conll").write_text("Köln\tB\n\nÄrger\tO\n", "cp1252")
    words = texts(str(tmp_path / "a.conll"), "conll", ("1",), encoding="cp1252")
    assert words == [(["Köln"],), (["Ärger"],)]
    question = {"id": "1", "question": "où?", "answers": []}
    article = {"title": "é", "paragraphs": [{"context": "là", "qas": [question]}]}
    text = json.dumps({"data": [article]}, ensure_ascii=False)
    (tmp_path / "a.json").write_text(text, "cp1252")
    asked = texts(str(tmp_path / "a.json"), "squad", ("question", "context"), encoding="cp1252")
    assert asked == [("où?", "là")]


def test_bytes_that_an_encoding_lacks_make_one_record_bad(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nähnlich,a\nb\x81d,b\ngut,c\n".encode("latin-1"))
    rows = list(read(str(path), "csv", ("text",), dialect=Dialect(encoding="cp1252")))
    assert [(n, row.reason) for n, row in rows if isinstance(row, Bad)] == [(3, "not cp1252")]
    assert [row["text"] for _, row in rows if not isinstance(row, Bad)] == ["ähnlich", "gut"]


def test_utf8_is_not_read_as_something_else(tmp_path):
    path = written(tmp_path / "a.csv", ROWS, "utf-8")
    with pytest.raises(
        JobError, match=r"a\.csv: the file is UTF-8, and data\.encoding says cp1252"
    ):
        read(path, "csv", ("text",), dialect=Dialect(encoding="cp1252"))
    two = written(tmp_path / "b.csv", [("联通", "a")], "gbk")  # valid UTF-8 by chance
    assert texts(two, "csv", encoding="gbk") == [("联通", "a")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_lines_that_end_in_carriage_returns(tmp_path, encoding):
    path = written(tmp_path / "a.csv", ROWS, encoding, lineterminator="\r")
    found = list(read(path, "csv", ("text", "label"), dialect=Dialect(encoding=encoding)))
    assert [(row["text"], row["label"]) for _, row in found] == ROWS  # its own line feed included
    assert [n for n, _ in found] == [2, 3, 5]
    (tmp_path / "a.txt").write_bytes("eins\rzwei\r\rdrei".encode(encoding))
    found = list(read(str(tmp_path / "a.txt"), "text", ("text",), dialect=Dialect(encoding)))
    assert [(n, row["text"]) for n, row in found] == [(1, "eins"), (2, "zwei"), (4, "drei")]


def test_carriage_returns_inside_of_a_text_stay(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'"text","la\rbel"\n"one\rtwo",x\r\r\n')
    assert texts(str(path), "csv", ("text", "la\rbel")) == [("one\rtwo", "x")]
    (tmp_path / "a.txt").write_bytes(b"10%\r20%\rdone\nnext\n")
    assert texts(str(tmp_path / "a.txt"), "text", ("text",)) == [("10%\r20%\rdone",), ("next",)]


def test_memory_is_bounded_in_other_encodings_too(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_RECORD", 100)
    path = tmp_path / "a.txt"
    path.write_text("ab\n" + "é" * 5000 + "\ncd\n", "utf-16")
    rows = [row for _, row in read(str(path), "text", ("text",))]
    assert rows[0] == {"text": "ab"}
    assert rows[1].reason == "record too long"
    assert rows[2] == {"text": "cd"}


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_delimiters_and_quotes_as_the_recipe_says(tmp_path, delimiter, kind):
    path = written(tmp_path / "a", ROWS, "utf-8", sep=delimiter)
    assert texts(path, kind, delimiter=delimiter, quoting="double") == ROWS
    frame = pd.DataFrame([("5\" pipe, 'x'", "a"), ('"open', "b")], columns=["text", "label"])
    bare = tmp_path / "b"
    frame.to_csv(bare, index=False, sep="~", quoting=csv.QUOTE_NONE)
    expected = [tuple(row) for row in frame.itertuples(index=False)]
    assert texts(str(bare), kind, delimiter="~", quoting="none") == expected


@pytest.mark.parametrize(
    ("content", "kind", "advice"),
    [
        (b"text;label\na;b\n", "csv", r'did you mean data\.delimiter: ";"\?'),
        (b"text\tlabel\na\tb\n", "csv", r'did you mean data\.delimiter: "\\t"\?'),
        (b"id,text,label\n1,a,b\n", "tsv", r'did you mean data\.delimiter: ","\?'),
        (b'"text"\t"label"\n"a"\t"b"\n', "tsv", r"did you mean data\.quoting: double\?"),
        (b'"text"|"label"\n', "tsv", r'delimiter: "\|" and data\.quoting: double\?'),
        ("text,label\na,b\n".encode("utf-16-le"), "csv", "utf-16-le"),
        (b"t\xe9xt,label\n", "csv", r"not UTF-8: set data\.encoding"),
        (b'"text,label\na,b\n', "csv", "header line cannot be read"),
        (b"words,label\n", "csv", r"name the column as the file does"),
    ],
)
def test_a_header_that_does_not_fit_comes_with_advice(tmp_path, content, kind, advice):
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(JobError, match=rf"a:1: .*{advice}"):
        list(read(str(path), kind, ("text", "label")))


@pytest.mark.parametrize("encoding", ["utf9", "base64", "idna\0", "rot13"])
def test_only_encodings_of_text_are_taken(encoding):
    text = "{name: a, data: {train: a}, task: {kind: classify}, model: {kind: text_cnn}}"
    with pytest.raises(loading.RecipeError, match=r"data\.encoding: no encoding"):
        loading.parse(text, [f"data.encoding={json.dumps(encoding)}"])
    with pytest.raises(loading.RecipeError, match=r"data\.delimiter: "):
        loading.parse(text, ['data.delimiter="||"'])
