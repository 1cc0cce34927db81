"""Cleaning against Python's own unicodedata, str.lower, html and UTF-8 decoder."""
# ruff: noqa: RUF001  letters of other scripts are meant

import html
import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from configs.data import Text
from pipeline.text.cleaning import clean

NOTHING = {"unicode": "none", "lower": False, "html": False, "whitespace": False}
# Unicode's White_Space; Python's str.isspace takes the four separators U+001C-1F besides.
WHITE_SPACE = {chr(c) for c in range(0x110000) if chr(c).isspace()} - set("\x1c\x1d\x1e\x1f")
# Letters of Unicode 14, which Python 3.11 lowers; the ICU in TensorFlow 2.21 is older.
NEW_IN_UNICODE_14 = {0x2C2F, 0xA7C0, 0xA7D0, 0xA7D6, 0xA7D8, *range(0x10570, 0x10596)}
ASSIGNED = [
    chr(c)
    for c in range(1, 0x110000)
    if unicodedata.category(chr(c)) not in ("Cn", "Cs") and c not in NEW_IN_UNICODE_14
]
# Marks, apostrophes and case pairs meet more often than by chance.
characters = st.one_of(
    st.sampled_from(ASSIGNED), st.sampled_from("aAiIΣσßẞİıﬁ½ \t\n\u00a0\u0301\u0307\u0327'<>&;")
)
texts = st.lists(st.text(characters, max_size=12), min_size=1, max_size=5)


def cleaned(texts, **settings):
    settings = Text.model_validate({**NOTHING, **settings})
    return clean(tf.constant(texts), settings).numpy().tolist()


def one(text, **settings):
    return cleaned([text], **settings)[0].decode()


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=4))
def test_bytes_become_valid_utf8_as_python_replaces(batch):
    expected = [text.decode(errors="replace").replace("\0", "\ufffd").encode() for text in batch]
    assert cleaned(batch) == expected


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=4))
def test_a_text_is_cleaned_alone_as_in_a_batch(batch):
    everything = {"unicode": "nfkc", "lower": True, "html": True, "whitespace": True}
    everything |= {"strip_accents": True, "drop_controls": True}
    assert cleaned(batch, **everything) == [cleaned([text], **everything)[0] for text in batch]


@pytest.mark.parametrize("form", ["nfc", "nfkc"])
@given(texts)
def test_unicode_forms_are_unicodedatas(form, batch):
    expected = [unicodedata.normalize(form.upper(), text).encode() for text in batch]
    assert cleaned(batch, unicode=form) == expected


@given(texts)
def test_lower_is_str_lower(batch):
    assert cleaned(batch, lower=True) == [text.lower().encode() for text in batch]


def test_every_assigned_character_is_lowered_as_python_does():
    got = [text.decode() for text in cleaned(ASSIGNED, lower=True)]
    different = [(a, b) for a, b in zip(ASSIGNED, got, strict=True) if b != a.lower()]
    assert different == []


@given(texts)
def test_accents_go_with_all_marks_that_have_no_width(batch):
    decomposed = [unicodedata.normalize("NFD", text) for text in batch]
    kept = ["".join(c for c in t if unicodedata.category(c) != "Mn") for t in decomposed]
    assert cleaned(batch, strip_accents=True) == [text.encode() for text in kept]


def test_what_is_not_seen_goes_and_plain_whitespace_stays():
    unseen = [c for c in ASSIGNED if unicodedata.category(c) in ("Cc", "Cf", "Co")] + ["\ufffd"]
    found = [text.decode() for text in cleaned(ASSIGNED, drop_controls=True)]
    assert {c for c, left in zip(ASSIGNED, found, strict=True) if not left} == {*unseen} - {
        *"\t\n\r"
    }
    assert all(left in ("", c) for c, left in zip(ASSIGNED, found, strict=True))
    assert one("a\x85b \x0b\u00ad\x00c", drop_controls=True) == "ab c"


@given(texts)
def test_whitespace_collapses_and_ends_are_trimmed(batch):
    spaced = ["".join(" " if c in WHITE_SPACE else c for c in text) for text in batch]
    expected = [" ".join(filter(None, text.split(" "))).encode() for text in spaced]
    assert cleaned(batch, whitespace=True) == expected


@given(st.lists(st.sampled_from(["&lt;", "&gt;", "&amp;", "&quot;", "&#39;", "&apos;", "&#x27;",
                                 "&nbsp;", "lt;", " ", "&", "x", ";"]), max_size=8))  # fmt: skip
def test_entities_are_undone_as_python_does(parts):
    text = "".join(parts)
    # html.unescape also takes "&lt" without its semicolon; that is not undone here.
    bare = any(f"&{name}" in text.replace(f"&{name};", "") for name in ("lt", "gt", "amp", "quot"))
    if not bare:
        assert one(text, html=True) == html.unescape(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one<br /><br/>two", "one  two"),
        ('<p class="a">x</p>\n', " x \n"),
        ("<!-- a > b\n -->kept", " kept"),
        ("<!DOCTYPE html><?xml version='1.0'?>x", "  x"),
        ("3 < 4 and 5 > 4", "3 < 4 and 5 > 4"),
        ("I <3 you", "I <3 you"),
        ("<unclosed tag", "<unclosed tag"),
        ("&amp;lt; is not a tag &lt;b&gt;", "&lt; is not a tag <b>"),
        ("AT&T &unknown; &#8212;", "AT&T &unknown; &#8212;"),
    ],
)
def test_tags_become_spaces(text, expected):
    assert one(text, html=True) == expected


def test_everything_together():
    text = "  <i>CAFE\u0301</i>&nbsp;\t ﬁn\x00\n"
    assert one(text, html=True, lower=True, whitespace=True, unicode="nfc") == "café ﬁn\ufffd"
    assert one(text, html=True, lower=True, whitespace=True, unicode="nfkc") == "café fin\ufffd"
    assert one(text) == text.replace("\x00", "\ufffd")
    bert = {"strip_accents": True, "drop_controls": True, "html": True, "whitespace": True}
    assert one(text, **bert, lower=True) == "cafe ﬁn"
