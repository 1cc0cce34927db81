"""Labels that a careful reader would ask about: named, counted, with the setting that answers."""

import json

import pytest

from configs.loading import parse
from pipeline.prepare.doubtful_labels import doubts
from pipeline.prepare.inputs import settings

TASK = "task: {kind: classify}"


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"refund": 9, "Refund": 2, "card": 3}, "'refund' (9 times) and 'Refund' (2 times)."),
        ({"card lost": 1, "cardlost": 5}, "task.label_names: {card lost: cardlost} makes them one"),
        ({"1": 4, "1.0": 3, "2": 2}, "'1' (4 times) and '1.0' (3 times)."),
        ({"ﬁne": 2, "fine": 2, "FINE": 1}, "{ﬁne: fine, FINE: fine}"),
        ({"-1": 7, "0": 3, "12": 3}, "'-1' (7 times) stands among ids from 0 on"),
        ({"yes": 7, "nan": 3}, "'nan' (3 times): a label like any other"),
        ({"yes": 7, "None": 3, "NaN": 1}, "task.label_names: {NaN: null, None: null}"),
    ],
)
def test_doubts(counts, said):
    (remark,) = doubts(counts)
    assert said in remark


@pytest.mark.parametrize(
    "counts",
    [
        {"refund": 1, "refunds": 1},
        {"-1": 2, "1": 2, "x": 1},
        {"-1": 2, "-2": 1},
        {"none": 1, "": 2},
    ],
)
def test_no_doubt(counts):
    assert doubts(counts) == []


def test_they_stand_in_the_report_and_at_the_console_and_the_setting_mends_them(
    prepared, tmp_path, caplog
):
    path = tmp_path / "a.jsonl"
    rows = [{"text": f"text {i}", "label": ["refund", "Refund", " card"][i % 3]} for i in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = f"data: {{train: {path}, valid: 0.3}}"
    directory = prepared(data, TASK)
    remarks = json.loads((directory / "report.json").read_text())["remarks"]
    (said,) = (remark for remark in remarks if "differ only in case" in remark)
    assert "'Refund' (10 times) and 'refund' (10 times)" in said
    assert f"worth a look: {said}" in caplog.messages
    setting = said.split("task.label_names: ")[1].split("}")[0] + "}"

    mended = prepared(data, TASK.replace("}", f", label_names: {setting}}}"))
    assert json.loads((mended / "labels.json").read_text()) == ["Refund", "card"]
    assert "differ only in case" not in (mended / "report.json").read_text()


def test_settings_that_came_later_leave_earlier_data_as_they_are():
    lines = "name: a\ndata: {train: a.csv}\nmodel: {kind: text_cnn}\ntask: {kind: classify%s}"
    before, named = (parse(lines % more) for more in ("", ", label_names: [a, b]"))
    assert settings(before)["task"] == {"kind": "classify", "text": "text", "label": "label"}
    assert settings(named)["task"]["label_names"] == {"0": "a", "1": "b"}
