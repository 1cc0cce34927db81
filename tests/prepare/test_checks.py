import json
import math

import numpy as np
import pytest

from configs.tasks import Classify, LanguageModel, Multilabel, Regress, Tag
from pipeline.prepare.checks import checker

CLASSIFY = Classify(kind="classify")
MULTILABEL = Multilabel(kind="multilabel")
REGRESS = Regress(kind="regress")
COMMA = Regress(kind="regress", decimal=",")
NAMED = Classify(kind="classify", label_names={"0": "no", "Yes": "yes", "-1": None})
PAIR = Classify(kind="classify", second="other")
TAG = Tag(kind="tag")


@pytest.mark.parametrize(
    ("task", "record", "label"),
    [
        (CLASSIFY, {"label": " a b "}, ("a b",)),
        (CLASSIFY, {"label": "nan"}, ("nan",)),
        (CLASSIFY, {"label": 1}, ("1",)),
        (CLASSIFY, {"label": True}, ("true",)),
        (CLASSIFY, {"label": " card \u00a0 lost\n"}, ("card lost",)),
        (NAMED, {"label": 0}, ("no",)),
        (NAMED, {"label": " Yes"}, ("yes",)),
        (NAMED, {"label": "maybe"}, ("maybe",)),
        (MULTILABEL, {"labels": "b|a|b"}, ("a", "b")),
        (MULTILABEL, {"labels": ""}, ()),
        (MULTILABEL, {"labels": ["b", 0]}, ("0", "b")),
        (MULTILABEL, {"labels": 0}, ("0",)),
        (MULTILABEL, {"labels": "[]"}, ()),
        (
            MULTILABEL,
            {"labels": str(["b", "it's", 'a "q"', "c, d"])},
            ('a "q"', "b", "c, d", "it's"),
        ),
        (MULTILABEL, {"labels": json.dumps(["\U0001f600", "é", 1])}, ("1", "é", "\U0001f600")),
        (MULTILABEL, {"labels": str(np.array(["b c", "a"]))}, ("a", "b c")),
        (MULTILABEL, {"labels": str(np.array([10, 2]))}, ("10", "2")),
        (MULTILABEL, {"labels": "[a, b]|c"}, ("[a, b]", "c")),
        (MULTILABEL, {"labels": "['a' and 'b']"}, ("['a' and 'b']",)),
        (REGRESS, {"label": " -1.5e3 "}, -1500.0),
        (REGRESS, {"label": 7}, 7.0),
        (COMMA, {"label": "-3,25"}, -3.25),
        (COMMA, {"label": "4"}, 4.0),
        (COMMA, {"label": 2.5}, 2.5),
    ],
)
def test_labels(task, record, label):
    assert checker(task, ())({"text": "x", **record}).label == label


@pytest.mark.parametrize(
    ("task", "record", "reason"),
    [
        (CLASSIFY, {"label": "a"}, "missing column"),
        (CLASSIFY, {"text": None, "label": "a"}, "empty text"),
        (CLASSIFY, {"text": math.nan, "label": "a"}, "empty text"),
        (CLASSIFY, {"text": "x", "label": None}, "missing label"),
        (CLASSIFY, {"text": "x", "label": math.nan}, "missing label"),
        (CLASSIFY, {"text": "x"}, "missing column"),
        (CLASSIFY, {"text": 7, "label": "a"}, "text is not a string"),
        (CLASSIFY, {"text": "", "label": "a"}, "empty text"),
        (CLASSIFY, {"text": " \u3000\n", "label": "a"}, "empty text"),
        (CLASSIFY, {"text": "half \ud83d", "label": "a"}, "not UTF-8"),
        (CLASSIFY, {"text": "x", "label": "\udc00"}, "not UTF-8"),
        (CLASSIFY, {"text": "x", "label": " "}, "missing label"),
        (CLASSIFY, {"text": "x", "label": ["a"]}, "label is neither a string nor a number"),
        (NAMED, {"text": "x", "label": -1}, "missing label"),
        (MULTILABEL, {"text": "x"}, "missing column"),
        (MULTILABEL, {"text": "x", "labels": "a||b"}, "missing label"),
        (MULTILABEL, {"text": "x", "labels": math.nan}, "missing label"),
        (MULTILABEL, {"text": "x", "labels": ["a", math.nan]}, "missing label"),
        (MULTILABEL, {"text": "x", "labels": "['a', nan]"}, "missing label"),
        (REGRESS, {"text": "x", "label": ""}, "missing label"),
        (REGRESS, {"text": "x", "label": math.nan}, "missing label"),
        (REGRESS, {"text": "x", "label": "3,14"}, "label is not a number"),
        (COMMA, {"text": "x", "label": "1.000,5"}, "label is not a number"),
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
        (TAG, {"words": ["a", "b"], "tags": ["O", " "]}, "missing label"),
        (TAG, {"words": ["a", "b"], "tags": ["O", None]}, "missing label"),
        (TAG, {"words": ["a", "b"], "tags": None}, "missing label"),
        (TAG, {"words": None, "tags": ["O", "O"]}, "empty text"),
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
    bilou = ("B-a", "L-a", "U-a", "O", "B-b", "L-b")
    check = checker(Tag(kind="tag", scheme=scheme), ())
    for tags in (*spelled.values(), bilou):
        assert check({"words": list("uvwxyz"), "tags": list(tags)}).label == spelled[scheme]


def test_parts_of_speech_are_no_spans():
    refused = checker(TAG, ())({"words": ["a"], "tags": ["DET"]})
    assert "should task.scheme be plain" in refused.reason


def test_a_document_has_no_label():
    checked = checker(LanguageModel(kind="language_model"), ())({"text": "a\nb", "label": None})
    assert (checked.texts, checked.label) == ((b"a\nb",), ())


def test_lists_that_are_written_out_are_words_and_tags():
    record = {"words": "['New', \"it's\"]", "tags": '["B-a", "O"]'}
    checked = checker(TAG, ())(record)
    assert (checked.words, checked.label) == ((b"New", b"it's"), ("B-a", "O"))


def test_class_ids_of_tags_get_their_names():
    ids = checker(Tag(kind="tag", label_names=["O", "B-a", "I-a"]), ())
    assert ids({"words": list("xyz"), "tags": [1, 2, 0]}).label == ("B-a", "I-a", "O")
    assert ids({"words": ["x"], "tags": ["2"]}).label == ("B-a",)  # spelled as spans are
    assert "a tag is not O" in ids({"words": ["x"], "tags": [3]}).reason


def test_a_value_that_is_nearly_a_list_takes_no_longer_than_its_length():
    """Where the time grows with its square, this takes hours."""
    hostile = "['" + "\\'" * 200_000 + "a' " * 200_000 + "]"
    checked = checker(MULTILABEL, ())({"text": "x", "labels": hostile})
    assert len(checked.label) == 1
