"""Which files a recipe's paths, globs and folders stand for, and tables of columns in columns."""

import json
import os

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from pipeline.errors import JobError
from pipeline.prepare import files
from pipeline.prepare.sources import Bad, read

TABLE = pa.table(
    {
        "doc": [{"body": f"text {i}", "by": {"name": "né"}} for i in range(3000)],
        "label": pa.array(["a", "b"] * 1500).dictionary_encode(),
        "tags": [["x", "y"]] * 3000,
    }
)
ROWS = [(f"text {i}", "né", "ab"[i % 2], ["x", "y"]) for i in range(3000)]
NAMES = ("doc.body", "doc.by.name", "label", "tags")


def rows_of(path, kind, needed=NAMES):
    rows = [row for _, row in read(str(path), kind, needed)]
    assert not [row for row in rows if isinstance(row, Bad)]
    return [tuple(row[name] for name in needed) for row in rows]


def write(path, kind):
    match kind:
        case "parquet":
            pq.write_table(TABLE, path, row_group_size=700)
        case "arrow":  # a stream, as `datasets` writes it
            with pa.ipc.new_stream(path, TABLE.schema) as stream:
                stream.write_table(TABLE, max_chunksize=1700)
        case "feather":  # a file, as pandas writes it
            pyarrow.feather.write_feather(TABLE, str(path))
        case "jsonl":
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in TABLE.to_pylist())
            path.write_text("".join(lines), "utf-8")
    return path


@pytest.mark.parametrize("kind", ["parquet", "arrow", "feather", "jsonl"])
@pytest.mark.parametrize("others", [False, True])
def test_fields_inside_of_columns_are_named_with_dots(tmp_path, kind, others):
    path = write(tmp_path / "a", kind)
    kind = "arrow" if kind == "feather" else kind
    assert rows_of(path, kind) == ROWS
    found = next(iter(read(str(path), kind, ("doc.body",), others)))[1]
    assert found["doc.body"] == "text 0"
    assert ("tags" in found) == (others or kind == "jsonl")


def test_fields_that_single_records_lack(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"doc": {"body": "a"}}\n{"doc": "b"}\n{"doc": null}\n{"doc.body": "whole"}\n')
    found = [row["doc.body"] for _, row in read(str(path), "jsonl", ("doc.body",))]
    assert found == ["a", None, None, "whole"]
    table = write(tmp_path / "b.parquet", "parquet")
    with pytest.raises(JobError, match=r"no column 'doc\.title'; .*'doc\.body', 'doc\.by'"):
        list(read(str(table), "parquet", ("doc.title",)))


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_damaged_table_is_named(tmp_path, kind, damage):
    path = write(tmp_path / f"a.{kind}", kind)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "other": b"a,b\n"}[damage])
    with pytest.raises(JobError, match=rf"a\.{kind}: cannot be read as {kind.capitalize()}"):
        list(read(str(path), kind, ("label",)))


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "text", "conll"])
@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n", "\n".encode("utf-16")])
def test_an_empty_part_has_no_records(tmp_path, kind, content):
    (tmp_path / "a").write_bytes(content)
    assert list(read(str(tmp_path / "a"), kind, ("text",))) == []


def test_a_glob_needs_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("t2.csv", "t1.csv", "u.csv", "data[1].csv"):
        (tmp_path / name).write_text("text\na\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "t3.csv").write_text("text\nb\n")
    assert [source.path for source in files.matching(("t*.csv",))] == ["t1.csv", "t2.csv"]
    assert [source.path for source in files.matching(("data[1].csv",))] == ["data[1].csv"]
    assert files.matching(("t1.csv", "t?.csv"))[0] == files.Source("t1.csv", 7)
    with pytest.raises(JobError, match=r"no input file matches 'x\*'"):
        files.matching(("x*",))


def test_a_folder_stands_for_its_files(tmp_path):
    for name in ("part-1.csv", "part-0.csv", ".part-0.csv.crc", "_SUCCESS"):
        (tmp_path / name).write_text("text\na\n")
    found = files.matching((str(tmp_path),))
    assert [files.name_of(source.path) for source in found] == ["part-0.csv", "part-1.csv"]
    assert found[0].size == 7
    (tmp_path / "more").mkdir()
    with pytest.raises(JobError, match=r"holds folders, such as .*more: name files, or a glob"):
        files.matching((str(tmp_path),))
    with pytest.raises(JobError, match="holds no files"):
        files.matching((str(tmp_path / "more"),))


def saved(folder, names, **state):
    """A folder as `Dataset.save_to_disk` of the package `datasets` writes it."""
    folder.mkdir(parents=True)
    for i, name in enumerate(names):
        table = TABLE.slice(1500 * i, 1500)
        with pa.ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names], **state}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")
    return str(folder)


def test_a_folder_of_datasets_is_read_in_its_own_order(tmp_path):
    folder = saved(tmp_path / "train", ["z-of-2.arrow", "a-of-2.arrow"], _indices_files=None)
    found = files.matching((folder,))
    assert [files.format_of(source.path, "auto") for source in found] == ["arrow"] * 2
    assert [row for source in found for row in rows_of(source.path, "arrow")] == ROWS


def test_folders_of_datasets_that_cannot_be_read_are_refused_with_the_way_out(tmp_path):
    saved(tmp_path / "all" / "train", ["a.arrow"])
    (tmp_path / "all" / "dataset_dict.json").write_text('{"splits": ["train"]}')
    with pytest.raises(JobError, match=r"several splits: name one, as .*all/train"):
        files.matching((str(tmp_path / "all"),))
    selected = saved(tmp_path / "selected", ["a.arrow"], _indices_files=[{"filename": "i.arrow"}])
    with pytest.raises(JobError, match=r"flatten_indices"):
        files.matching((selected,))
    for name, text in (("cut", '{"_data'), ("odd", "[]"), ("lost", '{"_data_files": []')):
        folder = saved(tmp_path / name, ["a.arrow"])
        (tmp_path / name / "state.json").write_text(text)
        with pytest.raises(JobError, match=r"state\.json.*save"):
            files.matching((folder,))
    gone = saved(tmp_path / "gone", ["a.arrow"])
    os.remove(tmp_path / "gone" / "a.arrow")
    with pytest.raises(JobError, match=r"a\.arrow: not there"):
        files.matching((gone,))


def test_parts_without_rows_and_a_folder_are_prepared(tmp_path, prepared):
    (tmp_path / "parts").mkdir()
    rows = pd.DataFrame({"text": ["good one", "bad one", "fine"], "label": ["a", "b", "a"]})
    rows.to_csv(tmp_path / "parts" / "0.csv", index=False)
    (tmp_path / "parts" / "1.csv").write_bytes(b"")
    data = f"data: {{train: {tmp_path}/parts, valid: null}}"
    directory = prepared(data, "task: {kind: classify}")
    assert json.loads((directory / "manifest.json").read_text())["records"] == 3
    told = json.loads((directory / "report.json").read_text())["files"]
    assert [(os.path.basename(f["file"]), f["records"]) for f in told] == [
        ("0.csv", 3),
        ("1.csv", 0),
    ]
