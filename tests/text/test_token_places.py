"""Where tokens stand: at each place there is what the token spells."""

import gzip
import json

import numpy as np
import pytest
import tensorflow as tf
from text_kinds import GOLDEN, KINDS, make

BERT = {"strip_accents": True, "drop_controls": True}
SPACE = "▁"  # what SentencePiece writes for a space


def rows(tokenizer, texts):
    """[(id, begin, end), ...] of each text."""
    parts = [part.to_list() for part in tokenizer.places(tf.constant(texts))]
    return [list(zip(*each, strict=True)) for each in zip(*parts, strict=True)]


def spelled(tokenizer, token):
    return tokenizer.vocabulary[token].replace("##", "").replace(SPACE, "")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "character"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"lower": False, "unicode": "none"}, {"html": True}, BERT],
    ids=str,
)
def test_ids_are_those_of_the_whole_text(kind, settings):
    tokenizer = make(kind, **settings)
    found = [[token for token, _, _ in row] for row in rows(tokenizer, GOLDEN)]
    assert found == tokenizer.all_ids(tf.constant(GOLDEN)).to_list()


def test_characters_are_those_of_the_text_without_its_spaces():
    tokenizer = make("character")
    found = [[token for token, _, _ in row] for row in rows(tokenizer, GOLDEN)]
    space = tokenizer.vocabulary.index(" ")
    wanted = tokenizer.all_ids(tf.constant(GOLDEN)).to_list()
    assert found == [[token for token in row if token != space] for row in wanted]


def test_tokens_stand_at_their_places(tokenizer):
    """In any text, in order, and of a word that cleaning has made longer in all of the word."""
    for text, row in zip(GOLDEN, rows(tokenizer, GOLDEN), strict=True):
        raw = text.decode("utf-8", "replace")
        assert all(0 <= begin <= end <= len(raw) for _, begin, end in row)
        assert row == sorted(row, key=lambda token: token[1:])
        places = [raw[begin:end].encode() for _, begin, end in row]
        cleaned = tokenizer.clean(tf.constant(places, tf.string)).numpy() if places else []
        for (token, _, _), part in zip(row, cleaned, strict=True):
            # By case folding, because a sigma alone is not the last one of a word.
            piece, part = spelled(tokenizer, token).casefold(), part.decode().casefold()
            assert token == tokenizer.unknown_id or piece in part


def test_each_token_has_its_own_place():
    tokenizer = make("wordpiece", [b"the running swimmers ran"] * 5)
    text = "Swimmers  RUNNING\u3000in caf\u0065\u0301s, ran"
    row = rows(tokenizer, [text.encode()])[0]
    said = [(spelled(tokenizer, token), text[begin:end]) for token, begin, end in row]
    for piece, part in said:
        assert piece in (part.lower(), "[UNK]")
    assert "".join(part for _, part in said[:-2]).startswith("SwimmersRUNNING")
    longer = [part for _, part in said if part.startswith("caf")]
    # Two tokens, but the word is composed to fewer characters.
    assert longer == ["cafe\u0301s,"] * 2


def test_a_word_keeps_its_place_whatever_is_taken_out_of_it():
    tokenizer = make("wordpiece", [b"cafe creme here"] * 5, **BERT)
    text = "Caf\u00e9 cr\u0065\u0300me\x85\x0bhere"
    row = rows(tokenizer, [text.encode()])[0]
    ids = tokenizer.all_ids(tf.constant([text])).to_list()[0]
    assert [token for token, _, _ in row] == ids
    first = [text[begin:end] for _, begin, end in row if begin < 4]
    assert "".join(first) == "Caf\u00e9"  # as long as before
    assert {text[begin:end] for _, begin, end in row if begin > 4} == {text[5:]}


def test_nothing_at_all(tokenizer):
    assert [part.to_list() for part in tokenizer.places(tf.constant([], tf.string))] == [[]] * 3
    assert rows(tokenizer, [b"", b" "]) == [[], []]


@pytest.mark.parametrize("kind", ["words", "wordpiece", "unigram"])
def test_real_contexts(kind, data):
    """Answers can be cut out: nearly all begin and end where a token does."""
    with gzip.open(data / "squad" / "dev-v1.1.json.gz") as file:
        articles = json.load(file)["data"][::6]
    paragraphs = [p for article in articles for p in article["paragraphs"][::5]]
    contexts = [paragraph["context"] for paragraph in paragraphs]
    tokenizer = make(kind, [context.encode() for context in contexts])
    ids, begins, ends = tokenizer.places(tf.constant(contexts))
    same = ids.flat_values.numpy() == tokenizer.all_ids(tf.constant(contexts)).flat_values.numpy()
    assert same.all()
    cut = []
    for row, paragraph in enumerate(paragraphs):
        first, last = set(begins[row].numpy().tolist()), set(ends[row].numpy().tolist())
        for question in paragraph["qas"]:
            for answer in question["answers"]:
                start = answer["answer_start"]
                cut.append(start in first and start + len(answer["text"]) in last)
    assert len(cut) > 500
    assert np.mean(cut) > (0.99 if kind == "wordpiece" else 0.97)
