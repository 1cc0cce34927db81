"""CoNLL and CoNLL-U against readers written apart, and against files broken on purpose."""

import gzip
from collections import Counter

import pytest

from pipeline.errors import JobError
from pipeline.prepare import files, lines
from pipeline.prepare.bad_records import Bad
from pipeline.prepare.sources import read


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return path


def good(path, kind, needed):
    rows = list(read(str(path), kind, needed))
    assert not [row for row in rows if isinstance(row[1], Bad)]
    return rows


def reasons(path, kind, needed):
    return [(n, row.reason) for n, row in read(str(path), kind, needed) if isinstance(row, Bad)]


def test_columns_by_place_blank_lines_and_documents(tmp_path):
    path = write(
        tmp_path / "a.conll",
        "-DOCSTART- -X- O O\n"
        "\n"
        "EU NNP B-NP B-ORG\r\n"
        "#  NN   B-NP O\n"
        " \t \n"
        "\n"
        "-DOCSTART- -X- O O\n"
        "Peter NNP B-NP B-PER",
    )
    assert good(path, "conll", ("1", "4")) == [
        (3, {"1": ["EU", "#"], "2": ["NNP", "NN"], "3": ["B-NP"] * 2, "4": ["B-ORG", "O"]}),
        (7, {"1": ["Peter"], "2": ["NNP"], "3": ["B-NP"], "4": ["B-PER"]}),
    ]


def test_tabs_keep_spaces_and_hashes_are_words_where_they_have_columns(tmp_path):
    path = write(
        tmp_path / "a.conll",
        "# a comment\n# another = 1\n#tag\tO\n# \tO\n\nNew York\tB-LOC\n\u00a0\tO\n"
        "\n# a comment alone\n\n-DOCSTART-\tO\n\n#\tO\n",
    )
    assert good(path, "conll", ("1", "2")) == [
        (1, {"1": ["#tag", "# "], "2": ["O", "O"]}),
        (6, {"1": ["New York", "\u00a0"], "2": ["B-LOC", "O"]}),
        (13, {"1": ["#"], "2": ["O"]}),
    ]


def test_a_broken_sentence_is_bad_at_its_broken_line_and_the_next_is_good(tmp_path):
    path = tmp_path / "a.conll"
    path.write_bytes(
        b"a\tO\nb\n\n"  # 2: a field is missing
        b"#word\nc\tO\n\n"  # 4: no comment, so it should have two fields
        b"d\tO\te\n\n"  # 7
        b"f\tO\n\xff\tO\n\n"  # 10
        b"g\tO\n"
    )
    rows = list(read(str(path), "conll", ("1", "2")))
    assert [(n, row.reason) for n, row in rows if isinstance(row, Bad)] == [
        (2, "wrong number of fields"),
        (4, "wrong number of fields"),
        (7, "wrong number of fields"),
        (10, "not UTF-8"),
    ]
    assert rows[0][1].excerpt == "a\tO\nb"
    assert rows[3][1].excerpt == "f\tO\n\\xff\tO"
    assert rows[-1] == (12, {"1": ["g"], "2": ["O"]})


def test_a_file_without_blank_lines_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_RECORD", 100)
    path = write(tmp_path / "a.conll", "a\tO\n\n" + "b\tO\n" * 1000 + "\nc\tO\n")
    rows = list(read(str(path), "conll", ("1", "2")))
    assert [n for n, _ in rows] == [1, 28, 1004]
    assert rows[1][1].reason == "record too long"
    assert len(rows[1][1].excerpt) <= 100


def test_columns_that_a_file_lacks(tmp_path):
    path = write(tmp_path / "a.conll", "a O\n")
    with pytest.raises(JobError, match=r"a\.conll:1: no column '3'; the file has columns '1', '2'"):
        list(read(str(path), "conll", ("1", "3")))
    assert list(read(str(write(tmp_path / "b.conll", "\n \n")), "conll", ("word",))) == []
    with pytest.raises(JobError, match="no column 'pos'; the file has columns 'id', 'form'"):
        list(read(str(path), "conllu", ("form", "pos")))


ROW = "{}\t{}\t_\t{}\t_\t_\t0\troot\t_\t_\n"


def test_ranges_and_empty_nodes_are_no_words(tmp_path):
    path = write(
        tmp_path / "a.conllu",
        "# sent_id = 1\n# text = vámonos\n"
        + ROW.format("1-2", "vámonos", "_")
        + ROW.format(1, "vamos", "VERB")
        + ROW.format(2, "nos", "PRON")
        + ROW.format("2.1", "it", "PRON")
        + ROW.format(3, "_", "SYM")
        + ROW.format(4, "20 000", "_"),
    )
    ((line, record),) = good(path, "conllu", ("form", "upos"))
    assert line == 1
    assert record["form"] == ["vamos", "nos", "_", "20 000"]
    assert record["upos"] == ["VERB", "PRON", "SYM", ""]
    assert record["feats"] == ["_"] * 4


def test_broken_conllu(tmp_path):
    path = write(
        tmp_path / "a.conllu",
        ROW.format(1, "a", "X") + ROW.format("x", "b", "X") + "\n1 a _ X _ _ 0 root _ _\n",
    )
    assert reasons(path, "conllu", ("form",)) == [
        (2, "broken word number"),
        (4, "wrong number of fields"),
    ]


def test_formats_by_ending():
    assert files.format_of("train.conllu.gz", "auto") == "conllu"
    assert files.format_of("a/B.CONLL", "auto") == "conll"
    assert files.format_of("emerging.test.annotated", "conll") == "conll"


@pytest.mark.parametrize(
    ("name", "sentences", "words", "entities"),
    [  # https://aclanthology.org/W17-4418/, table 2, and the data's own description
        ("wnut17train.conll", 3394, 62730, 1975),
        ("emerging.dev.conll", 1009, 15733, 836),
        ("emerging.test.annotated", 1287, 23394, 1079),
    ],
)
def test_wnut17(data, name, sentences, words, entities):
    path = data / "wnut17" / name
    rows = good(path, "conll", ("1", "2"))
    assert len(rows) == sentences
    assert sum(len(row["1"]) for _, row in rows) == words
    assert sum(tag[:2] == "B-" for _, row in rows for tag in row["2"]) == entities
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, row in rows:
        there = lines[number - 1 : number - 1 + len(row["1"])]
        assert [f"{word}\t{tag}" for word, tag in zip(row["1"], row["2"], strict=True)] == there


def test_ud_ewt(data):
    path = data / "ud_ewt" / "dev.conllu.gz"
    rows = good(path, "conllu", ("form", "upos"))
    assert len(rows) == 2001
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        cells = [line.rstrip("\n").split("\t") for line in lines]
    cells = [row for row in cells if row[0].isdecimal()]
    assert [word for _, row in rows for word in row["form"]] == [row[1] for row in cells]
    assert Counter(tag for _, row in rows for tag in row["upos"]) == Counter(r[3] for r in cells)
