"""Tokens back to texts: words by rules, pieces and characters as the text was."""

import pytest
from text_kinds import KINDS, make

from pipeline.text.joining import of_words

TEXT = 'she said: "wait... it\'s fine" (really), didn\'t she? a well-known "3/4" [of it]; yes!'


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_comes_back_from_its_ids(kind):
    tokenizer = make(kind, [TEXT.encode()])
    assert tokenizer.text_of(tokenizer.all_ids([TEXT]).values.numpy().tolist()) == TEXT
    assert tokenizer.text_of([]) == ""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("the cat , a dog .", "the cat, a dog."),
        ("they do n't say it 's $ 5 %", "they don't say it's $5%"),
        ('" a " and " b " !', '"a" and "b"!'),
        ("[UNK] - N", "[UNK]-N"),
        ("“ yes ” … no", "“yes”… no"),
    ],
)
def test_words_join_as_english_prints_them(words, text):
    assert of_words(words.split()) == text


def test_rare_characters_come_back_from_sentencepieces_with_spaces_where_they_were():
    text = "naïve ½ 好きな映画 👍🏽 x"
    tokenizer = make("unigram", [text.encode()], lower=False)
    assert tokenizer.text_of(tokenizer.all_ids([text]).values.numpy().tolist()) == text
