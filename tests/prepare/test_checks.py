import pytest

from configs.tasks import Classify, LanguageModel, Multilabel, Regress, Tag
from pipeline.prepare.checks import checker

CLASSIFY = Classify(kind="classify")
MULTILABEL = Multilabel(kind="multilabel")
REGRESS = Regress(kind="regress")
PAIR = Classify(kind="classify", second="other")
TAG = Tag(kind="tag")


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
        (PAIR, {"text": "x", "label": "a"}, "missing column"),
        (PAIR, {"text": "x", "other": " ", "label": "a"}, "empty text"),
        (PAIR, {"text": "x", "other": ["y"], "label": "a"}, "text is not a string"),
        (TAG, {"tags": ["O"]}, "missing column"),
        (TAG, {"words": ["a"]}, "missing column"),
        (TAG, {"words": "a b", "tags": ["O", "O"]}, "words are not a list of strings"),
        (TAG, {"words": ["a", 1], "tags": ["O", "O"]}, "words are not a list of strings"),
        (TAG, {"words": ["a", "b"], "tags": "O O"}, "labels are not a list"),
        (TAG, {"words": ["a", "b"], "tags": ["O"]}, "not as many labels as words"),
        (TAG, {"words": ["a", "b"], "tags": ["O", " "]}, "empty label"),
        (TAG, {"words": ["a", "b"], "tags": ["O", None]}, "empty label"),
        (TAG, {"words": ["a", ""], "tags": ["O", "O"]}, "empty word"),
        (TAG, {"words": [], "tags": []}, "empty text"),
        (TAG, {"words": ["\ud83d"], "tags": ["O"]}, "not UTF-8"),
    ],
)
def test_reasons(task, record, reason):
    assert checker(task, ())(record).reason == reason


def test_columns_come_along_as_text():
    check = checker(CLASSIFY, ("a", "b", "c"))
    record = {"text": "ä", "label": "x", "a": 3, "b": None}
    assert check(record)[:3:2] == (("ä".encode(),), (b"3", b"", b""))


def test_both_texts_of_a_pair():
    assert checker(PAIR, ())({"text": "a", "other": "b", "label": 1}).texts == (b"a", b"b")


def test_words_are_kept_as_they_are_and_joined():
    record = {"words": ["New ", "York", "\u3000", "é"], "tags": ["B", "I", 0, "O"]}
    checked = checker(Tag(kind="tag", scheme="plain"), ())(record)
    assert checked.words == (b"New ", b"York", b"\xe3\x80\x80", b"\xc3\xa9")
    assert checked.texts == (b" ".join(checked.words),)
    assert checked.label == ("B", "I", "0", "O")


@pytest.mark.parametrize("scheme", ["iob1", "bio", "bioes"])
def test_spans_are_spelled_as_the_task_has_it_whatever_the_file_does(scheme):
    spelled = {
        "iob1": ("I-a", "I-a", "B-a", "O", "I-b", "I-b"),
        "bio": ("B-a", "I-a", "B-a", "O", "B-b", "I-b"),
        "bioes": ("B-a", "E-a", "S-a", "O", "B-b", "E-b"),
    }
    check = checker(Tag(kind="tag", scheme=scheme), ())
    for tags in spelled.values():
        assert check({"words": list("uvwxyz"), "tags": list(tags)}).label == spelled[scheme]


def test_parts_of_speech_are_no_spans():
    refused = checker(TAG, ())({"words": ["a"], "tags": ["DET"]})
    assert "should task.scheme be plain?" in refused.reason


def test_a_document_has_no_label():
    checked = checker(LanguageModel(kind="language_model"), ())({"text": "a\nb", "label": None})
    assert (checked.texts, checked.label) == ((b"a\nb",), ())
