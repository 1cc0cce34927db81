"""Names of class ids in the metadata that `datasets` writes into Parquet's schema."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import dead_letters, examples

from pipeline.prepare.class_names import class_names
from pipeline.prepare.sources import read

KINDS = {"names": ["O", "B-PER", "I-PER"], "_type": "ClassLabel"}
LISTS = {  # of datasets 4, of 2 and 3, and of its first versions
    "list": {"feature": KINDS, "_type": "List"},
    "sequence": {"feature": KINDS, "length": -1, "_type": "Sequence"},
    "bare": [{**KINDS, "num_classes": 3}],
}


def written(path, columns, **features):
    told = json.dumps({"info": {"features": features}})
    table = pa.table(columns).replace_schema_metadata({"huggingface": told})
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize("spelled", LISTS)
def test_lists_of_ids(spelled, tmp_path):
    columns = {"words": [["a", "b"], ["c"], []], "tags": [[1, 2], [0], None], "more": [1, 2, 0]}
    path = written(tmp_path / "a.parquet", columns, tags=LISTS[spelled], more=KINDS)
    rows = [row for _, row in read(str(path), "parquet", ("words", "tags"), others=True)]
    assert [row["tags"] for row in rows] == [["B-PER", "I-PER"], ["O"], None]
    assert [row["more"] for row in rows] == [1, 2, 0]  # nobody asked for it by name


def test_ids_without_a_name_are_no_labels(prepared, tmp_path):
    sports = {"names": ["ball", "swim"], "_type": "ClassLabel"}
    columns = {"text": [f"text {i}" for i in range(20)], "label": [0, 1] * 9 + [-1, 2]}
    path = written(tmp_path / "a.parquet", columns, label=sports)
    directory = prepared(
        f"data: {{train: {path}, valid: null, max_bad: 0.1}}", "task: {kind: classify}"
    )
    assert json.loads((directory / "labels.json").read_text()) == ["ball", "swim"]
    assert [example["label"] for example in examples(directory, "train")] == [[0], [1]] * 9
    assert [(x["line"], x["reason"]) for x in dead_letters(directory)] == [
        (19, "missing label"),
        (20, "missing label"),
    ]


@pytest.mark.parametrize(
    "told",
    [b"no json", b"[]", b'{"info": null}', b'{"info": {"features": {"a": 3}}}', b"[" * 100_000],
)
def test_metadata_of_somebody_else(told):
    assert class_names({b"huggingface": told}) == class_names(None) == {}
