"""Splitting against a scanner written with Python's re over Unicode categories."""
# ruff: noqa: RUF001  letters of other scripts are meant

import re
import unicodedata

import tensorflow as tf
import tensorflow_text as tf_text
from hypothesis import given
from hypothesis import strategies as st

from configs.data import Text
from pipeline.text import splitting

# All but the sign of the baht, which is of no script.
ALONE = ("CJK ", "HIRAGANA ", "HENTAIGANA ", "THAI ", "LAO ", "KHMER ", "MYANMAR ")


def strange(c):
    """Han characters that no name tells, and what Unicode has renamed since Python's tables."""
    return 0x2E80 <= c <= 0x303F or 0x16FE0 <= c <= 0x16FFF or c in (0, 0x85, 0x200C, 0x200D)


ASSIGNED = [
    chr(c)
    for c in range(0x110000)
    if unicodedata.category(chr(c)) not in ("Cn", "Cs") and not strange(c)
]
characters = st.one_of(st.sampled_from(ASSIGNED), st.sampled_from("ab1'’- .\n\u0301\u200d漢😊"))
texts = st.lists(st.text(characters, max_size=15), min_size=1, max_size=4)


def split(function, batch):
    return [[token.decode() for token in row] for row in function(tf.constant(batch)).to_list()]


def letter_for(character):
    """One letter for the class of a character: a word of its own, its mark, another mark, ..."""
    if character in "'’":
        return "a"
    if character in "\u200c\u200d":
        return "j"
    category = unicodedata.category(character)
    if category[0] == "Z" or character in "\t\n\v\f\r\x85":
        return " "
    alone = unicodedata.name(character, "").startswith(ALONE) and character != "\u0e3f"
    if category[0] == "M":
        return "k" if alone else "m"
    if alone:
        return "h"
    return "w" if category[0] in "LN" else "o"


def words_by_scanning(text):
    classes = "".join(map(letter_for, text))
    token = re.compile(r"[hk][mk]*|[wmj]+(?:a[wmj]+)*|[oa][mj]*")
    return [text[m.start() : m.end()] for m in token.finditer(classes)]


@given(texts)
def test_words_are_what_a_scanner_finds(batch):
    assert split(splitting.split_words, batch) == [words_by_scanning(text) for text in batch]


def test_words_by_example(golden):
    def words(text):
        return split(splitting.split_words, [text])[0]

    assert words("don't 'stop' rock'n'roll o’clock '90s") == (
        ["don't", "'", "stop", "'", "rock'n'roll", "o’clock", "'", "90s"]
    )
    assert words("well-known, $3.50_a") == (
        ["well", "-", "known", ",", "$", "3", ".", "50", "_", "a"]
    )
    assert words("我爱NLP👍🏽 ❤\ufe0f") == ["我", "爱", "NLP", "👍", "🏽", "❤\ufe0f"]
    assert words("می\u200cخواهم हिन्दी cafe\u0301") == ["می\u200cخواهم", "हिन्दी", "cafe\u0301"]
    assert words("東京タワーへ。") == ["東", "京", "タワー", "へ", "。"]
    assert words("ไม่ดีOK") == ["ไ", "ม่", "ดี", "OK"]
    assert words("ຊື່ ខ្មែរ မြန်မာ") == ["ຊື່", "ខ្", "មែ", "រ", "မြ", "န်", "မာ"]
    assert words("") == words(" \n") == []


def test_bert_splits_where_the_wordpiece_op_does():
    """On every assigned character, between letters that are all the op knows."""
    op = tf_text.FastWordpieceTokenizer(["[UNK]", "b"], token_out_type=tf.string)
    batch = [f"b{character}b" for character in ASSIGNED]
    expected = [
        [token if token == "b" else "[UNK]" for token in row]
        for row in split(splitting.split_punctuation, batch)
    ]
    assert split(op.tokenize, batch) == expected


def test_whitespace_splits_at_whitespace_only():
    assert split(splitting.split_whitespace, ["a-b  c\u00a0d\ne\u3000f", " "]) == (
        [["a-b", "c", "d", "e", "f"], []]
    )


def test_each_kind_counts_the_words_that_it_cuts():
    def words(**tokenizer):
        settings = Text.model_validate({"tokenizer": tokenizer})
        return split(lambda texts: splitting.words(texts, settings), ["it's a-b"])[0]

    assert words(kind="word") == ["it's", "a", "-", "b"]
    assert words(kind="wordpiece") == ["it", "'", "s", "a", "-", "b"]
    assert words(kind="word", split="whitespace") == ["it's", "a-b"]
    assert words(kind="sentencepiece") == words(kind="character") == ["it's", "a-b"]
