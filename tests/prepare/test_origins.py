"""Where examples come from, against the lines of the files themselves."""

import csv

import numpy as np

from pipeline import data
from pipeline.prepare import origins, prepare

CLASSIFY = "task: {kind: classify}"
TWO_LINES = '"it is\nthe next, card",a\n'


def write(path, rows):
    """A CSV file with blank lines, a text of two lines and a row that cannot be used."""
    path.parent.mkdir(exist_ok=True)
    lines = ["text,label\n", *(f"{path.parent.name} card {row},b\n" for row in rows)]
    lines[2:2] = [TWO_LINES.replace("card", path.parent.name), "\n", "no label,\n", "\n"]
    path.write_text("".join(lines))
    return path


def beginnings(path):
    """{text: the line that it begins on}, by the csv module."""
    found, before = {}, 1
    with open(path, newline="") as file:
        reader = csv.reader(file)
        for row in reader:
            found |= {row[0]: before} if row else {}
            before = reader.line_num + 1
    return found


def test_file_and_line_of_every_example_that_is_measured(recipe, tmp_path):
    train = write(tmp_path / "train" / "rows.csv", range(40))
    tests = [write(tmp_path / name / "rows.csv", range(5)) for name in ("one", "two")]
    files = f"train: {train}, valid: 0.2, test: [{tests[1]}, {tests[0]}], max_bad: 0.5"
    made = recipe(f"data: {{{files}, shard_examples: 3}}", CLASSIFY)
    prepared = prepare(made)
    for name, sources in (("valid", [train]), ("test", tests)):
        split = data.load(prepared, name, made, 2)
        table, lines = split.origins.columns(), {str(path): beginnings(path) for path in sources}
        assert set(table["file"]) == set(lines)
        for row, text in enumerate(split.texts):
            place = split.origins.of(row)
            assert place["line"] == table["line"][row] == lines[place["file"]][text]
    assert data.load(prepared, "train", made, 2).origins.columns() == {}


def test_data_of_earlier_versions_does_not_tell():
    unknown = origins.Origins(places=np.empty((0, 2), np.int32))
    assert unknown.of(3) == unknown.columns() == {}
    assert origins.in_words([{"text": "x"}]) == []


def test_places_in_words_are_without_a_folder_that_all_share():
    pairs = [("a/b/x.csv", 2), ("a/b/y.csv", 10_000)]
    entries = [{"file": file, "line": line} for file, line in pairs]
    assert origins.in_words(entries) == ["x.csv:2", "y.csv:10000"]
    entries.append({"file": "a/c/x.csv", "line": 1})
    assert origins.in_words(entries) == ["a/b/x.csv:2", "a/b/y.csv:10000", "a/c/x.csv:1"]
