"""A quote that is never closed costs its own line, and not those that it swallows."""

import csv
import io

import pytest

from pipeline.prepare import lines
from pipeline.prepare.dialects import Dialect
from pipeline.prepare.sources import Bad, read

GOOD = [f"text {i},{'ab'[i % 2]}" for i in range(2, 301)]  # by the lines that they stand on


def found(path, content, dialect=None, needed=("text", "label")):
    """Good rows and bad ones by their lines."""
    path.write_text(content, "utf-8", newline="")
    rows = list(read(str(path), "csv", needed, dialect=dialect or Dialect()))
    good = {n: tuple(row[name] for name in needed) for n, row in rows if not isinstance(row, Bad)}
    return good, {n: row for n, row in rows if isinstance(row, Bad)}


def file_of(rows):
    return "text,label\n" + "\n".join(rows) + "\n"


def test_lines_that_a_quote_swallows_up_to_the_end_are_read(tmp_path):
    rows = GOOD.copy()
    rows[48] = '"never closed,a'
    good, bad = found(tmp_path / "a.csv", file_of(rows))
    assert list(good) == [n for n in range(2, 301) if n != 50]
    assert good[51] == ("text 51", "b")
    assert list(bad) == [50]
    assert bad[50].reason == "unclosed quote"
    assert bad[50].told == (
        "unclosed quote: a quote opens here and swallows 250 more lines, which are read as records"
        " of their own"
    )
    assert bad[50].excerpt == '"never closed,a'


def test_quoted_fields_after_an_unclosed_quote_are_whole(tmp_path):
    rows = GOOD.copy()
    rows[10] = '"never closed,a'
    rows[20] = '"a, b",a'
    rows[30] = '"two\nlines",b'
    rows[40] = '"closed ""twice""\n\nhere, too",b'
    rows[50] = '"again open,b'
    good, bad = found(tmp_path / "a.csv", file_of(rows))
    assert list(bad) == [12, 55]  # three line feeds stand in quotes before
    texts = [text for text, _ in good.values()]
    expected = [
        row.rsplit(",", 1)[0] for i, row in enumerate(GOOD) if i not in (10, 20, 30, 40, 50)
    ]
    assert [text for text in texts if text.startswith("text ")] == expected
    assert {"a, b", "two\nlines", 'closed "twice"\n\nhere, too'} <= set(texts)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_valid_files_are_read_as_the_csv_module_reads_them(tmp_path, delimiter):
    """Texts of many lines that look like records are no records."""
    texts = ["a,b\nc,d\ne,f\ng,h", "x;y\nz;w\nu;v", "1\t2\n3\t4\n5\t6", 'say "no"\n"yes"\n', "\n"]
    texts += ["one,a\n" * 50, '","\n","\n', "plain"]
    content = io.StringIO(newline="")
    writer = csv.writer(content, delimiter=delimiter)
    writer.writerows([("text", "label"), *((text, "k") for text in texts)])
    dialect = Dialect(delimiter=delimiter)
    good, bad = found(tmp_path / "a.csv", content.getvalue(), dialect)
    assert not bad
    assert [text for text, _ in good.values()] == texts


def test_a_text_with_quotes_that_are_not_doubled_is_bad_line_by_line(tmp_path):
    broken = ['"He said', "well, and then", '"no" to me', 'and left",a']
    good, bad = found(tmp_path / "a.csv", file_of(["first,a", *broken, '"a\n""b""",b', "last,b"]))
    assert good == {2: ("first", "a"), 7: ('a\n"b"', "b"), 9: ("last", "b")}
    assert list(bad) == [3, 4, 5, 6]
    reasons = [row.reason for row in bad.values()]
    assert reasons == ["unclosed quote", *["inside an unclosed quote"] * 3]


def test_a_record_of_many_lines_with_a_field_too_many_is_one_bad_record(tmp_path):
    rows = ["first,a", '"Hello,\nbye, all\nand well",b,extra', "last,b"]
    good, bad = found(tmp_path / "a.csv", file_of(rows))
    assert list(good) == [2, 6]
    assert {n: row.reason for n, row in bad.items()} == {3: "wrong number of fields"}


def test_a_quote_that_closes_in_another_record_does_not_take_what_lies_between(tmp_path):
    rows = ["first,a", '"never closed,a', *GOOD[:20], 'it is 5",b,c', "last,b"]
    good, bad = found(tmp_path / "a.csv", file_of(rows))
    assert len(good) == 22
    assert list(bad) == [3, 24]


def test_an_unclosed_quote_in_the_last_line(tmp_path):
    good, bad = found(tmp_path / "a.csv", file_of([*GOOD[:5], '"open,a']))
    assert len(good) == 5
    assert {n: row.told for n, row in bad.items()} == {7: "unclosed quote: a quote opens here"}


def test_the_bound_of_a_record_ends_what_a_quote_swallows(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_RECORD", 1000)
    good, bad = found(tmp_path / "a.csv", file_of(['"open,a', *GOOD]))
    assert len(good) == len(GOOD)
    assert list(bad) == [2]
    prose = ["word " * 10] * 40
    good, bad = found(tmp_path / "b.csv", file_of(["first,a", '"open,a', *prose, "last,b"]))
    assert [text for text, _ in good.values()] == ["first", "last"]
    assert len(bad) == 41  # each line that was lost is counted
    assert bad[3].reason == "record too long"


def test_a_quote_in_a_quoted_tsv(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("text\tlabel\n" + '"open\ta\n' + "x\ty\n" * 30)
    rows = list(read(str(path), "tsv", ("text",), dialect=Dialect(quoting="double")))
    assert [n for n, row in rows if isinstance(row, Bad)] == [2]
    assert len(rows) == 31
