"""Learning vocabularies from counts, and reading ready ones."""

import random

import pytest
import sentencepiece
import tensorflow as tf
from pydantic import TypeAdapter
from text_kinds import KINDS

import configs.data
from configs.data import Text
from pipeline.errors import JobError
from pipeline.text import vocabulary
from pipeline.text.special import SPECIAL
from pipeline.text.tokenizers import Tokenizer

COUNTS = {"the": 9, "cat": 4, "ant": 4, "sat": 2, "once": 1, "[MASK]": 50, "[PAD]": 50}


def options(**values):
    return TypeAdapter(configs.data.Tokenizer).validate_python(values)


def learned(counts=COUNTS, **values):
    tokens = vocabulary.learn(counts, options(**values)).tokens
    assert tuple(tokens[:5]) == SPECIAL
    return tokens[5:]


def test_words_are_the_most_frequent_with_ties_by_spelling():
    assert learned(kind="word") == ["the", "ant", "cat", "sat", "once"]
    assert learned(kind="word", min_count=2) == ["the", "ant", "cat", "sat"]
    assert learned(kind="word", size=8) == ["the", "ant", "cat"]


def test_characters_are_counted_over_the_words_with_a_space_each():
    counts = {"aab": 3, "b": 1, "c": 2}
    assert learned(counts, kind="character") == [" ", "a", "b", "c"]  # 6, 6, 4 and 2 times
    assert learned(counts, kind="character", min_count=3) == [" ", "a", "b"]


@pytest.fixture(scope="module")
def many_counts():
    """Words of a few syllables, with the frequencies of Zipf's law and many ties."""
    pick = random.Random(0)
    syllables = ["la", "ti", "mon", "ker", "sa", "un", "é", "ing", "'", "ß", "s"]
    words = {"".join(pick.choices(syllables, k=pick.randint(1, 4))) for _ in range(800)}
    return {word: 1 + 1000 // rank for rank, word in enumerate(sorted(words), 1)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_counts_does_not_matter(kind, many_counts):
    tokenizer = options(**KINDS[kind])
    shuffled = list(many_counts.items())
    random.Random(1).shuffle(shuffled)
    first = vocabulary.learn(many_counts, tokenizer)
    assert vocabulary.learn(dict(shuffled), tokenizer) == first
    assert len(first.tokens) == len(set(first.tokens)) <= tokenizer.size


def test_wordpiece_has_every_character_twice_and_then_what_covers_most(many_counts):
    tokens = learned(many_counts, kind="wordpiece", size=120, min_count=1)
    alphabet = sorted({character for word in many_counts for character in word})
    assert tokens[: 2 * len(alphabet)] == [*alphabet, *(f"##{c}" for c in alphabet)]
    assert len(tokens) == 115
    # Common syllables and, as by BPE, the merges that lead to them.
    assert {"mon", "ker", "##ing", "##mon"} <= set(tokens)


def test_wordpiece_knows_as_many_characters_of_chinese_as_have_a_place():
    """Cut by BERT's rules, each of them is a word; the alphabet of 1,000 left two of three out."""
    characters = [chr(0x4E00 + i) for i in range(3000)]
    counts = {character: 10 + i % 7 for i, character in enumerate(characters)}
    for size in (8000, 12_000):
        assert set(characters) <= set(learned(counts, kind="wordpiece", size=size))
    frequent = sorted(characters, key=lambda c: -counts[c])[:1500]
    assert set(frequent) <= set(learned(counts, kind="wordpiece", size=4000))
    # Where words of letters want all places, half of them are for characters.
    words = {f"{i:b}".translate({48: "ab", 49: "c"}): 1000 for i in range(1 << 13)}
    assert set(frequent) <= set(learned(counts | words, kind="wordpiece", size=8000))


def test_wordpiece_leaves_out_rare_words_but_not_what_they_share():
    counts = {"low": 10, "lower": 10, "zebra": 1}
    tokens = learned(counts, kind="wordpiece", size=100)
    assert "low" in tokens
    assert "lower" in tokens
    assert not any("z" in token for token in tokens)


def test_sentencepiece_models_hold_the_special_tokens(many_counts):
    for algorithm in ("unigram", "bpe"):
        tokenizer = options(kind="sentencepiece", algorithm=algorithm, size=150)
        found = vocabulary.learn(many_counts, tokenizer)
        model = sentencepiece.SentencePieceProcessor(model_proto=found.model)
        assert (model.pad_id(), model.unk_id(), model.bos_id(), model.eos_id()) == (0, 1, 2, 3)
        assert model.is_control(4)
        assert len(found.tokens) == model.get_piece_size() == 150


@pytest.mark.parametrize("kind", KINDS)
def test_no_words_are_an_error(kind):
    with pytest.raises(JobError, match="no words to learn"):
        vocabulary.learn({}, options(**KINDS[kind]))


@pytest.mark.parametrize("kind", ["word", "wordpiece", "character"])
def test_words_that_are_all_too_rare_are_an_error(kind):
    with pytest.raises(JobError, match=r"all 2 words are rarer than text\.tokenizer\.min_count"):
        vocabulary.learn({"a": 1, "b": 1}, options(kind=kind, min_count=3))


@pytest.mark.parametrize("kind", ["wordpiece", "sentencepiece"])
def test_a_size_below_the_alphabet_is_an_error_that_names_the_key(kind, many_counts):
    with pytest.raises(JobError, match=r"text\.tokenizer\.size"):
        vocabulary.learn(many_counts, options(kind=kind, size=10))


def test_a_word_of_sentencepieces_own_space_mark_does_no_harm():
    assert "▁" in learned({"▁": 3, "a▁b": 2, "ab": 2}, kind="wordpiece", size=50)


def ready(path, content):
    path.write_bytes(content)
    return vocabulary.ready(options(kind="wordpiece", vocabulary=str(path)))


def test_a_ready_vocabulary_is_taken_as_it_is(tmp_path):
    found = ready(tmp_path / "vocab.txt", b"[PAD]\r\na\r\n##b\r\n[UNK]\r\n")
    assert found.tokens == ["[PAD]", "a", "##b", "[UNK]"]
    assert found.unknown_id == 3
    assert vocabulary.ready(options(kind="wordpiece")) is None
    assert vocabulary.ready(options(kind="word")) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n[PAD]\n[UNK]\n", r"vocab.txt:1: the first token must be \[PAD\].*'a'"),
        (b"[PAD]\na\n", r"no \[UNK\] among its 2 tokens"),
        (b"[PAD]\n[UNK]\na\nb\na\n", "got 'a' again"),
        (b"", "first token"),
    ],
)
def test_a_bad_ready_vocabulary_is_an_error(tmp_path, content, message):
    with pytest.raises(JobError, match=message):
        ready(tmp_path / "vocab.txt", content)


def test_a_missing_or_broken_ready_file_is_an_error(tmp_path):
    with pytest.raises(JobError, match=r"cannot read the vocabulary .*nowhere.txt"):
        vocabulary.ready(options(kind="wordpiece", vocabulary=str(tmp_path / "nowhere.txt")))
    (tmp_path / "bad.model").write_bytes(b"no model")
    with pytest.raises(JobError, match="is not a SentencePiece model"):
        vocabulary.ready(options(kind="sentencepiece", model=str(tmp_path / "bad.model")))


def test_words_of_vectors_join_the_learned_ones(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("the 1 0\nb 0 1\nParis 1 1\nparis 1 2\nlate 1 2\n", encoding="utf-8")
    chosen = options(kind="word", vectors=str(path), vectors_size=4)
    found = vocabulary.learn({"a": 2, "b": 1}, chosen).tokens
    assert found == [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "a",
        "b",
        "the",
        "Paris",
        "paris",
    ]


def test_a_word_that_is_not_there_stands_for_its_lower_case_form():
    words = vocabulary.from_tokens([*SPECIAL, "paris", "US", "us", "ärger"])
    for fold, expected in ((True, [5, 6, 7, 5, 8, 1]), (False, [5, 6, 7, 1, 1, 1])):
        settings = Text(lower=False, tokenizer=options(kind="word", fold=fold))
        tokenizer = Tokenizer(settings, words)
        found = tokenizer.ids(tf.constant(["paris US us PARIS Ärger Us2"]))
        assert found.to_list() == [expected]
