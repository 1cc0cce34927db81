import pytest

from configs.tasks import Classify, Multilabel, Regress
from pipeline.prepare.checks import checker

CLASSIFY = Classify(kind="classify")
MULTILABEL = Multilabel(kind="multilabel")
REGRESS = Regress(kind="regress")


@pytest.mark.parametrize(
    ("task", "record", "label"),
    [
        (CLASSIFY, {"label": " a b "}, ("a b",)),
        (CLASSIFY, {"label": "nan"}, ("nan",)),
        (CLASSIFY, {"label": 1}, ("1",)),
        (CLASSIFY, {"label": True}, ("true",)),
        (MULTILABEL, {"labels": "b|a|b"}, ("a", "b")),
        (MULTILABEL, {"labels": ""}, ()),
        (MULTILABEL, {"labels": ["b", 0]}, ("0", "b")),
        (MULTILABEL, {"labels": 0}, ("0",)),
        (REGRESS, {"label": " -1.5e3 "}, -1500.0),
        (REGRESS, {"label": 7}, 7.0),
    ],
)
def test_labels(task, record, label):
    assert checker(task, ())({"text": "x", **record}).label == label


@pytest.mark.parametrize(
    ("task", "record", "reason"),
    [
        (CLASSIFY, {"label": "a"}, "missing column"),
        (CLASSIFY, {"text": None, "label": "a"}, "missing column"),
        (CLASSIFY, {"text": "x", "label": None}, "missing column"),
        (CLASSIFY, {"text": 7, "label": "a"}, "text is not a string"),
        (CLASSIFY, {"text": "", "label": "a"}, "empty text"),
        (CLASSIFY, {"text": " \u3000\n", "label": "a"}, "empty text"),
        (CLASSIFY, {"text": "half \ud83d", "label": "a"}, "not UTF-8"),
        (CLASSIFY, {"text": "x", "label": "\udc00"}, "not UTF-8"),
        (CLASSIFY, {"text": "x", "label": " "}, "empty label"),
        (CLASSIFY, {"text": "x", "label": ["a"]}, "label is neither a string nor a number"),
        (MULTILABEL, {"text": "x"}, "missing column"),
        (MULTILABEL, {"text": "x", "labels": "a||b"}, "empty label"),
        (REGRESS, {"text": "x", "label": ""}, "label is not a number"),
        (REGRESS, {"text": "x", "label": "nan"}, "label is not a number"),
        (REGRESS, {"text": "x", "label": "1e39"}, "label is not a number"),
        (REGRESS, {"text": "x", "label": "-inf"}, "label is not a number"),
        (REGRESS, {"text": "x", "label": "1_000"}, "label is not a number"),
        (REGRESS, {"text": "x", "label": True}, "label is not a number"),
        (REGRESS, {"text": "x", "label": [1]}, "label is not a number"),
        (REGRESS, {"text": "x", "label": 10**400}, "label is not a number"),
    ],
)
def test_reasons(task, record, reason):
    assert checker(task, ())(record).reason == reason


def test_columns_come_along_as_text():
    check = checker(CLASSIFY, ("a", "b", "c"))
    record = {"text": "ä", "label": "x", "a": 3, "b": None}
    assert check(record)[:3:2] == ("ä".encode(), (b"3", b"", b""))
