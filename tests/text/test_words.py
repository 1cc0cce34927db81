"""Words of raw texts where Python finds them, and ids of given words against those of texts."""
# ruff: noqa: RUF001  letters of other scripts are meant

import functools
import re

import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from text_kinds import GOLDEN, make

from configs.data import Text
from pipeline.text import splitting
from pipeline.text.spans import spans

BYTES = st.one_of(
    st.binary(max_size=12),
    st.text("ab1'’- .\n\u0301\u200d漢😊é\u00a0\u3000\u2028\x1c\x85\0<>/", max_size=20).map(
        str.encode
    ),
)
# Unicode's; Python's \s has the separators U+001C-1F besides.
WHITE_SPACE = re.compile(r"[^\S\x1c-\x1f]")
TAG = r"(?s)<!--.*?-->|<[/!?]?[A-Za-z][^<>]*>"


def found(texts, **options):
    """(text as Python decodes it, words, begins, ends) of each text."""
    rows = [part.to_list() for part in spans(tf.constant(texts), Text.model_validate(options))]
    decoded = [text.decode(errors="replace").replace("\0", "\ufffd") for text in texts]
    return [
        (text, [word.decode() for word in words], begins, ends)
        for text, words, begins, ends in zip(decoded, *rows, strict=True)
    ]


def words(text, **options):
    return found([text.encode()], **options)[0][1]


@pytest.mark.parametrize("html", [False, True])
@given(batch=st.lists(BYTES, min_size=1, max_size=4))
@example(batch=[b"caf\xc3\xa9 <b>bold</b> <!-- a b -->here", b"<i>x</i>\xff<br />y", b"", *GOLDEN])
def test_words_stand_where_they_are_said_to(html, batch):
    for text, cut, begins, ends in found(batch, html=html):
        assert cut == [text[begin:end] for begin, end in zip(begins, ends, strict=True)]
        assert begins == sorted(begins)


@given(batch=st.lists(BYTES, min_size=1, max_size=4))
def test_nothing_but_whitespace_and_tags_is_between_words(batch):
    for text, cut, *_ in found(batch):
        assert "".join(cut) == WHITE_SPACE.sub("", text)
    for text, cut, *_ in found(batch, html=True):
        assert "".join(cut) == WHITE_SPACE.sub("", re.sub(TAG, " ", text))


def test_words_are_cut_as_the_tokenizer_cuts_texts():
    text = "Don't <b>cut</b> well-known 漢字 at 👍🏽 '90s"
    assert words(text)[:14] == (
        ["Don't", "<", "b", ">", "cut", "<", "/", "b", ">", "well", "-", "known", "漢", "字"]
    )
    assert words(text)[14:] == ["at", "👍", "🏽", "'", "90s"]
    assert words(text, html=True)[:3] == ["Don't", "cut", "well"]
    at_spaces = {"tokenizer": {"kind": "word", "split": "whitespace"}}
    assert words(text, **at_spaces) == text.split(" ")
    assert words(text, tokenizer={"kind": "sentencepiece"}) == words(text)
    raw = [part.encode() for part in GOLDEN[0].decode().split()]
    assert [w for _, cut, *_ in found(raw) for w in cut] == (
        [w.decode() for w in splitting.split_words(tf.constant(raw)).flat_values.numpy()]
    )


def ids_of(tokenizer, rows):
    ids, starts = tokenizer.ids_of_words(tf.ragged.constant(rows, tf.string, ragged_rank=1))
    assert ids.dtype == starts.dtype == tf.int32
    return ids.to_list(), starts.to_list()


ROWS = [["The", "actors", "'", "work", "İstanbul", "ﬁne"], [], ["", "\u00ad \t", "漢字", "[PAD]"]]


def test_ids_are_those_of_the_words_alone(tokenizer):
    ids, starts = ids_of(tokenizer, ROWS)
    for row, got, places in zip(ROWS, ids, starts, strict=True):
        ends = [*places[1:], len(got) + 1]
        parts = [got[a - 1 : b - 1] for a, b in zip(places, ends, strict=False)]
        assert len(parts) == len(row)
        assert parts == [ids_of(tokenizer, [[word]])[0][0] for word in row]
        if tokenizer.settings.tokenizer.kind != "word":
            alone = tokenizer.all_ids(tf.constant(row or [""])).to_list()
            assert parts == [word or [tokenizer.unknown_id] for word in alone][: len(row)]


def test_a_given_word_is_one_token_however_it_looks():
    tokenizer = make("words", [b"don't stop", b"well"])
    own = {token: i for i, token in enumerate(tokenizer.vocabulary)}
    ids, starts = ids_of(tokenizer, [["Don't", "do n't", " STOP\n", "well-known", "", "[CLS]"]])
    assert ids == [[own["don't"], 1, own["stop"], 1, 1, 1]]
    assert starts == [[1, 2, 3, 4, 5, 6]]


@functools.cache
def made(kind, max_length):
    return make(kind, max_length=max_length)


@pytest.mark.parametrize("kind", ["words", "character", "wordpiece", "bpe"])
@given(
    rows=st.lists(st.lists(st.text("aé b漢", max_size=6), max_size=6), min_size=1, max_size=4),
    longest=st.sampled_from([1, 2, 5, 9]),
)
@settings(max_examples=25, deadline=None)
def test_whole_words_are_kept_while_they_fit(kind, rows, longest):
    whole, tokenizer = made(kind, 256), made(kind, longest)
    alone = [[ids_of(whole, [[word]])[0][0][:longest] for word in row] for row in rows]
    ids, starts = ids_of(tokenizer, rows)
    for row, got, places in zip(alone, ids, starts, strict=True):
        num_kept = next(
            (n for n in range(len(row)) if sum(map(len, row[: n + 1])) > longest), len(row)
        )
        assert got == [token for word in row[:num_kept] for token in word]
        assert places == [1 + sum(map(len, row[:n])) for n in range(num_kept)]
        assert places or not row


def test_words_are_cleaned_each_by_itself(tokenizer):
    rows = [["CAFE\u0301", " A\tB ", "nul\0"], [], ["\xa0"]]
    cleaned = tokenizer.clean_words(tf.ragged.constant(rows, tf.string, ragged_rank=1)).to_list()
    assert [[w.decode() for w in row] for row in cleaned] == [
        ["café", "a b", "nul\ufffd"],
        [],
        [""],
    ]
    spaces = make("words", whitespace=False)
    assert spaces.clean_words(tf.ragged.constant([["a\nb "]])).to_list() == [[b"a b"]]
