"""Texts that were made to be slow: the same answers, and no more work than there are bytes."""

import random
import re
import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from text_kinds import GOLDEN, make

from configs.data import Text
from pipeline.text.cleaning import clean, replace_tags
from pipeline.text.first_tokens import BYTES_A_TOKEN, first_tokens
from pipeline.text.splitting import split_runs, split_whitespace

JOINER = "\u034f"
TAG = re.compile(r"(?s)<!--.*?-->|<[/!?]?[A-Za-z][^<>]*>")


def cleaned(text, **settings):
    settings = Text.model_validate({"lower": False, "whitespace": False, **settings})
    return clean(tf.constant([text]), settings).numpy()[0].decode()


@pytest.mark.parametrize("form", ["nfc", "nfkc"])
@pytest.mark.parametrize("marks", ["\u0316", "\uff9e"])
def test_no_run_of_marks_that_is_ordered_is_longer_than_thirty(form, marks):
    text = "a" + ("\u0301" * 500 + marks * 500)
    found = cleaned(text, unicode=form)
    parts = [text[:31], *(text[n : n + 30] for n in range(31, len(text), 30))]
    assert found == unicodedata.normalize(form.upper(), JOINER.join(parts))
    assert max(map(len, found.split(JOINER))) == 30


def test_thirty_marks_are_ordered_as_ever():
    marks = "\u0301\u0316" * 15
    text = f"x{marks[:-1]} हिन्दी ก็ שָׁלוֹם e\u0301"
    assert cleaned(text, unicode="nfc") == unicodedata.normalize("NFC", text)
    parted = unicodedata.normalize("NFC", f"x{marks}{JOINER}{marks[:-1]}y")
    assert cleaned(f"x{marks}{marks[:-1]}y", unicode="nfc") == parted


def test_accents_are_stripped_however_many_there_are():
    assert cleaned("e" + "\u0301\u0316" * 20_000 + "f", strip_accents=True) == "ef"


@given(st.lists(st.sampled_from(["<!--", "-->", "<b>", "<!b", "--", ">", "<", "x", "\n"])))
def test_tags_are_found_as_by_one_expression(parts):
    text = "".join(parts)
    assert replace_tags(tf.constant([text]), "_").numpy()[0].decode() == TAG.sub("_", text)


def test_a_word_of_many_tokens_has_the_place_of_each():
    text = "漢é" * 20_000
    tokenizer = make("character", [text.encode()])
    ids, begins, ends = tokenizer.places(tf.constant([f"a {text}"]))
    assert ids.shape[0] == 1
    assert begins.values.numpy().tolist() == [0, *range(2, 40_002)]
    assert ends.values.numpy().tolist() == [1, *range(3, 40_003)]


def test_runs_without_spaces_are_parted():
    texts = ["a " + "漢" * 2_500 + "\u3000b", "x" * 1_000 + " y", "", " "]
    sizes = [[len(w.decode()) for w in row] for row in split_runs(tf.constant(texts)).to_list()]
    assert sizes == [[1, 1_000, 1_000, 500, 1], [1_000, 1], [], []]
    short = tf.constant([text for text in GOLDEN if len(text) < 1_000])
    assert split_runs(short).to_list() == split_whitespace(short).to_list()


def test_unknown_characters_are_one_token_in_a_thousand():
    """SentencePiece joins those that follow each other, copying all of them for each one."""
    tokenizer = make("unigram")
    ids = tokenizer.all_ids(tf.constant(["\u4e00" * 40_000])).to_list()[0]
    assert ids.count(tokenizer.unknown_id) == 40
    placed, begins, ends = (x.to_list()[0] for x in tokenizer.places(tf.constant(["丂" * 2_500])))
    unknown = [place for place in zip(placed, begins, ends, strict=True) if place[0] == 1]
    assert [place[1:] for place in unknown] == [(0, 1_000), (1_000, 2_000), (2_000, 2_500)]


def check_first_tokens(tokenizer):
    draw, most = random.Random(2), tokenizer.settings.max_length
    parts = [text[:60] for text in GOLDEN] + [b" ", b"\n", b"\x0b", b"\xe2\x80\x83", b"<!--"]
    texts = [b"".join(draw.choices(parts, k=draw.randrange(2 * most))) for _ in range(20)]
    texts += [b" " * 50 * most + b"late", b"long" * 20 * most + b" x y z", "é".encode() * 20 * most]
    texts = tf.constant([*texts, *GOLDEN])
    wanted = [row[:most] for row in tokenizer.all_ids(texts).to_list()]
    assert tokenizer.ids(texts).to_list() == wanted
    assert tokenizer.first_pieces(texts).to_list() == tokenizer.pieces(texts)[:, :most].to_list()


def test_the_first_ids_are_those_of_the_whole_text(tokenizer):
    check_first_tokens(tokenizer)


def test_comments_that_end_behind_the_first_tokens_are_none_of_them():
    check_first_tokens(make("words", max_length=9, html=True, drop_controls=True))


def test_what_stands_behind_the_first_tokens_is_not_read():
    read = []

    def words(texts):
        read.append([len(text) for text in texts.numpy()])
        return split_whitespace(texts)

    texts = [b"word " * 10_000, b"short", b"a " + b"x" * 1_000 + b" one"]
    found = first_tokens(tf.constant(texts), 8, words).to_list()
    assert found == [[b"word"] * 8, [b"short"], [b"a", b"x" * 1_000, b"one"]]
    assert [sizes[1:] for sizes in read] == [[5, 1], [5, 1_006]]
    assert 8 * 5 < read[0][0] == read[1][0] <= 8 * BYTES_A_TOKEN
