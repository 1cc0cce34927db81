"""Readers against other readers of the same files, and against files broken on purpose."""

import bz2
import csv
import gzip
import io
import json
import lzma
import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import JobError
from pipeline.prepare import files, lines
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.sources import Bad, read


def good(path, kind, needed=("text", "label")):
    rows = list(read(str(path), kind, needed))
    assert not [row for row in rows if isinstance(row[1], Bad)]
    return rows


def reasons(path, kind, needed=("text", "label")):
    return [(n, row.reason) for n, row in read(str(path), kind, needed) if isinstance(row, Bad)]


# Spellings that tempt readers: missing values, numbers, quotes, and what some call line ends.
TEXTS = ["null", "NA", "nan", "", "1e5", "True", 'he said "no"', "a,b", "tab\there", "\ufeffmark"]
TEXTS += [
    "two\nlines",
    "three\r\nmore\n\nlines",
    "sep\u2028arate\x85\x0b\x0c",
    "naïve 你好 🙂",
    "'",
]


def test_csv_reads_what_pandas_reads(tmp_path):
    path = tmp_path / "a.csv"
    frame = pd.DataFrame({"text": TEXTS, "label": [str(i) for i in range(len(TEXTS))]})
    frame.to_csv(path, index=False, lineterminator="\n")
    with open(path, encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file))
    assert [row for _, row in good(path, "csv")] == expected
    back = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert [row["text"] for _, row in good(path, "csv")] == back["text"].tolist() == TEXTS


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=8)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=8))
def test_csv_lines_are_true_after_quoted_line_ends(tmp_path_factory, rows):
    """The oracle finds each record's line by counting the line feeds written before it."""
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["text", "label"])
    lines = []
    for row in rows:
        lines.append(text.getvalue().count("\n") + 1)
        writer.writerow(row)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    read_back = good(path, "csv")
    assert [n for n, _ in read_back] == lines
    assert [(r["text"], r["label"]) for _, r in read_back] == rows


def test_tsv_takes_quotes_as_text_and_only_line_feeds_as_line_ends(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes('text\tlabel\r\n"open\tx\r\nsep\u2028arate\x0b\ty\n\n"a"\tz'.encode())
    assert good(path, "tsv") == [
        (2, {"text": '"open', "label": "x"}),
        (3, {"text": "sep\u2028arate\x0b", "label": "y"}),
        (5, {"text": '"a"', "label": "z"}),
    ]


def test_jsonl_reads_what_json_reads(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"text": text, "label": i, "more": [1, None]} for i, text in enumerate(TEXTS)]
    path.write_text("\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    assert good(path, "jsonl") == [(2 * i + 1, row) for i, row in enumerate(rows)]


@pytest.mark.parametrize("kind", ["string", "large_string", "binary", "dictionary"])
def test_parquet_over_many_row_groups(tmp_path, kind):
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"string": pa.string(), "large_string": pa.large_string(), "binary": pa.binary()}
    types["dictionary"] = pa.dictionary(pa.int32(), pa.string())
    texts = pa.array(TEXTS * 50).cast(types[kind])
    frame = pa.table(
        {"text": texts, "label": list(range(len(texts))), "other": [None] * len(texts)}
    )
    pq.write_table(frame, tmp_path / "a.parquet", row_group_size=7)
    rows = good(tmp_path / "a.parquet", "parquet")
    assert [n for n, _ in rows] == list(range(1, len(texts) + 1))
    assert [(r["text"], r["label"]) for _, r in rows] == list(
        zip(TEXTS * 50, range(len(texts)), strict=True)
    )


def test_parquet_checks_what_arrow_does_not(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    bad = pa.Array.from_buffers(
        pa.string(),
        2,
        [None, pa.array([0, 2, 4], pa.int32()).buffers()[1], pa.py_buffer(b"ok\xff\xfe")],
    )
    pq.write_table(pa.table({"text": bad, "label": ["a", "b"]}), tmp_path / "a.parquet")
    assert reasons(tmp_path / "a.parquet", "parquet") == [(2, "not UTF-8")]


def test_plain_text_is_a_line_a_record(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\r\n\n  two \nthree\x85\u2028still".encode())
    rows = good(path, "text", ("text",))
    assert [(n, row["text"]) for n, row in rows] == [
        (1, "one"),
        (3, "  two "),
        (4, "three\x85\u2028still"),
    ]


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_compressed_files_of_several_parts(tmp_path, ending, pack):
    path = tmp_path / f"a.csv.{ending}"
    plain = b"text,label\n" + b"".join(b"line %d,x\n" % i for i in range(5000))
    path.write_bytes(pack.compress(plain[:20001]) + pack.compress(plain[20001:]))
    rows = good(path, files.format_of(str(path), "auto"))
    assert rows[-1] == (5001, {"text": "line 4999", "label": "x"})


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_a_compressed_file_that_was_cut_off_is_noticed(tmp_path, ending, pack):
    path = tmp_path / f"a.tsv.{ending}"
    noise = random.Random(0).randbytes(100_000).hex().encode()
    plain = b"text\tlabel\n" + b"".join(noise[i : i + 50] + b"\tx\n" for i in range(0, 200_000, 50))
    path.write_bytes(pack.compress(plain)[:-5000])
    with pytest.raises(JobError, match=rf"a\.tsv\.{ending}:\d+: cannot be read any further"):
        list(read(str(path), "tsv", ("text", "label")))


def test_byte_order_marks_are_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,b\n", encoding="utf-8-sig")
    assert good(path, "csv") == [(2, {"text": "a", "label": "b"})]


def test_each_broken_csv_record_is_bad_where_it_starts_and_the_next_is_good(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"text,label\n"  # 1
        b'"two\nlines",a\n'  # 2, 3
        b"byte \xff,b\n"  # 4
        b"too,many,fields\n"  # 5
        b"few\n"  # 6
        b'"closed" badly,c\n'  # 7
        b'"quoted\nbyte \xe9\n",d\n'  # 8, 9, 10
        b"\n"  # 11, blank
        b"fine,e\n"  # 12
        b'"never closed,f\n'  # 13
    )
    rows = list(read(str(path), "csv", ("text", "label")))
    assert [(n, row.reason) for n, row in rows if isinstance(row, Bad)] == [
        (4, "not UTF-8"),
        (5, "wrong number of fields"),
        (6, "wrong number of fields"),
        (7, "broken CSV"),
        (8, "not UTF-8"),
        (13, "unclosed quote"),
    ]
    assert [(n, row["label"]) for n, row in rows if not isinstance(row, Bad)] == [
        (2, "a"),
        (12, "e"),
    ]
    assert dict(rows)[5].excerpt == "too,many,fields"
    assert dict(rows)[4].excerpt == "byte \\xff,b"


def test_broken_lines_of_jsonl_and_tsv(tmp_path):
    lines = [
        b'{"text": "a", "label": 1}',
        b"{broken",
        b'["a list"]',
        b'{"text": "\xff"}',
        b"[" * 10**5,
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    assert reasons(tmp_path / "a.jsonl", "jsonl") == [
        (2, "broken JSON"),
        (3, "broken JSON"),
        (4, "not UTF-8"),
        (5, "broken JSON"),
    ]
    (tmp_path / "a.tsv").write_bytes(b"text\tlabel\na\tb\tc\nd\ne\xff\tf\ng\th")
    assert reasons(tmp_path / "a.tsv", "tsv") == [
        (2, "wrong number of fields"),
        (3, "wrong number of fields"),
        (4, "not UTF-8"),
    ]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "text"])
def test_a_line_without_end_does_not_fill_the_memory(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_RECORD", 100)
    path = tmp_path / "a"
    short = {"csv": "x,y", "tsv": "x\ty", "jsonl": '{"text": "x"}', "text": "x"}[kind]
    head = {"csv": "text,label\n", "tsv": "text\tlabel\n"}.get(kind, "")
    path.write_text(head + short + "\n" + "z" * 1000 + "\n" + short + "\n")
    needed = ("text",)
    rows = list(read(str(path), kind, needed))
    first = 1 + bool(head)
    assert [n for n, _ in rows] == [first, first + 1, first + 2]
    assert [isinstance(row, Bad) and row.reason for _, row in rows] == [
        False,
        "record too long",
        False,
    ]
    assert len(rows[1][1].excerpt) <= 503


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("words,label", "no column 'text'; the file has columns 'words', 'label'"),
        ("text,text,label", "'text' twice"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_a_column_that_the_file_lacks(tmp_path, header, complaint, kind):
    path = tmp_path / "a"
    path.write_text(header.replace(",", "\t") if kind == "tsv" else header)
    with pytest.raises(JobError, match=complaint):
        list(read(str(path), kind, ("text", "label")))


@pytest.mark.parametrize(("kind", "tab"), [("csv", ","), ("tsv", "\t")])
def test_columns_of_a_file_without_a_header_line(tmp_path, kind, tab):
    path, names = tmp_path / "a", ("source", "label", "text")
    path.write_text("x,1,one\ny,2\nz,0,three\n".replace(",", tab))
    rows = list(read(str(path), kind, ("text", "label"), dialect=Dialect(header=names)))
    assert rows[0] == (1, {"source": "x", "label": "1", "text": "one"})
    assert rows[1][1].reason == "wrong number of fields"
    assert rows[2] == (3, {"source": "z", "label": "0", "text": "three"})
    with pytest.raises(JobError, match="no column 'texts'"):
        list(read(str(path), kind, ("texts",), dialect=Dialect(header=names)))


def test_globs_and_lists_keep_their_order_and_take_a_file_once(tmp_path):
    for name in ("b1.csv", "a2.csv", "a10.csv", "c.tsv"):
        (tmp_path / name).write_text("x")
    found = files.matching((f"{tmp_path}/c.tsv", f"{tmp_path}/*.csv", f"{tmp_path}/b1.csv"))
    assert [files.name_of(source.path) for source in found] == [
        "c.tsv",
        "a10.csv",
        "a2.csv",
        "b1.csv",
    ]
    with pytest.raises(JobError, match=r"no input file matches .*\*\.parquet"):
        files.matching((f"{tmp_path}/*.parquet",))


def test_formats_by_ending():
    kinds = {"a.csv": "csv", "A.CSV.GZ": "csv", "x/b.ndjson.xz": "jsonl", "c.d.parquet": "parquet"}
    assert {name: files.format_of(name, "auto") for name in kinds} == kinds
    assert files.format_of("anything", "tsv") == "tsv"
    with pytest.raises(JobError, match=r"a\.doc: cannot tell the format"):
        files.format_of("a.doc", "auto")


def test_a_file_is_one_document(tmp_path):
    path = tmp_path / "chapter.txt"
    path.write_bytes("one\r\n\n two\u2028x\nthree".encode())
    assert good(path, "document", ("text",)) == [(1, {"text": "one\n two\u2028x\nthree"})]
    (tmp_path / "blank.txt").write_bytes(b"\n \n")
    assert good(tmp_path / "blank.txt", "document", ("text",)) == []
    (tmp_path / "broken.txt").write_bytes(b"fine\n\xff\xfe no\n")
    assert reasons(tmp_path / "broken.txt", "document", ("text",)) == [(2, "not UTF-8")]
    with pytest.raises(JobError, match="no column 'label'"):
        good(path, "document")


def test_a_document_that_is_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.prepare.sources.LONGEST_RECORD", 10)
    (tmp_path / "long.txt").write_bytes(b"12345\n67890\n")
    assert reasons(tmp_path / "long.txt", "document", ("text",)) == [(2, "record too long")]
