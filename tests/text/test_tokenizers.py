"""Token ids against references in plain Python, alone and in batches, in every place they run."""
# ruff: noqa: RUF001  letters of other scripts are meant

import gzip
import itertools
import json
import re
import unicodedata

import pytest
import sentencepiece
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from text_kinds import make

from configs.data import Text
from pipeline.errors import JobError
from pipeline.text import tokenizers, vocabulary
from pipeline.text.encoders import WordPiece
from pipeline.text.special import SPECIAL
from pipeline.text.vocabulary import from_model, from_tokens


def ids(tokenizer, texts):
    return tokenizer.ids(tf.constant(texts)).to_list()


def spelled(rows):
    return [[piece.decode() for piece in row] for row in rows.to_list()]


def test_the_same_ids_alone_in_batches_and_from_disk(tokenizer, golden, tmp_path):
    expected = ids(tokenizer, golden)
    assert [ids(tokenizer, [text])[0] for text in golden] == expected
    rows = tf.data.Dataset.from_tensor_slices(golden).batch(3).map(tokenizer.ids)
    assert [row for batch in rows for row in batch.to_list()] == expected
    tokenizer.save(tmp_path / "tokenizer")
    loaded = tokenizers.load(tmp_path / "tokenizer")
    assert ids(loaded, golden) == expected
    assert loaded.vocabulary == tokenizer.vocabulary
    assert loaded.settings == tokenizer.settings


@given(batch=st.lists(st.text("ab'’. \u00a0é漢😊\0[MASK]", max_size=12), min_size=1, max_size=4))
@settings(max_examples=30)
def test_a_text_has_the_same_ids_alone_and_in_any_batch(tokenizer, batch):
    assert ids(tokenizer, batch) == [ids(tokenizer, [text])[0] for text in batch]


def test_ids_are_those_of_the_pieces_cut_to_length(tokenizer, golden):
    id_of = {token: i for i, token in enumerate(tokenizer.vocabulary)}
    pieces = spelled(tokenizer.pieces(tf.constant(golden)))
    everything = tokenizer.all_ids(tf.constant(golden))
    assert everything.dtype == tf.int32
    unknown = tokenizer.unknown_id
    assert everything.to_list() == [[id_of.get(p, unknown) for p in row] for row in pieces]
    assert ids(tokenizer, golden) == [row[:256] for row in everything.to_list()]
    assert max(map(len, everything.to_list())) > 256


def test_special_tokens_have_their_places_and_never_come_from_a_text(cased_tokenizer, golden):
    assert tuple(cased_tokenizer.vocabulary[: len(SPECIAL)]) == SPECIAL
    assert (cased_tokenizer.pad_id, cased_tokenizer.unknown_id) == (0, 1)
    assert cased_tokenizer.vocabulary_size == len(set(cased_tokenizer.vocabulary))
    texts = [*golden, *SPECIAL, *(f"a{token}b" for token in SPECIAL), " ".join(SPECIAL)]
    found = set(itertools.chain(*cased_tokenizer.all_ids(tf.constant(texts)).to_list()))
    assert found.isdisjoint({0, 2, 3, 4})


def test_an_unseen_word_is_unknown():
    words = make("words", [b"seen words only"])
    assert ids(words, ["Seen, unseen"]) == [[words.vocabulary.index("seen"), 1, 1]]
    assert spelled(words.pieces(tf.constant(["Seen, unseen"]))) == [["seen", ",", "unseen"]]


def test_literal_special_tokens_are_unknown_to_a_whitespace_tokenizer():
    words = make("whitespace", [b"[MASK] [MASK] word"], lower=False)
    assert ids(words, ["[MASK] word [PAD]"]) == [[1, words.vocabulary.index("word"), 1]]


def test_characters_are_code_points():
    characters = make("character", ["ab b\u0301é".encode()], unicode="none")
    assert spelled(characters.pieces(tf.constant(["a b\u0301É😊"]))) == [
        ["a", " ", "b", "\u0301", "é", "😊"]
    ]
    assert ids(characters, ["😊"]) == [[1]]


def bert_words(text):
    """BERT's basic tokenizer, https://github.com/google-research/bert, without its cleaning."""
    spaced = ""
    for character in text:
        code, category = ord(character), unicodedata.category(character)
        ascii_mark = 33 <= code < 127 and not character.isalnum()
        alone = ascii_mark or category[0] == "P" or 0x4E00 <= code <= 0x9FFF
        spaced += f" {character} " if alone else character
    return spaced.split()


def longest_match(word, tokens):
    """WordPiece as BERT has it: greedy, longest first, the whole word unknown if stuck."""
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end] if start == 0 else f"##{word[start:end]}"
            if piece in tokens:
                break
        else:
            return ["[UNK]"]
        pieces.append(piece)
        start = end
    return pieces


def wordpiece_by_hand(text, tokens):
    return [piece for word in bert_words(text) for piece in longest_match(word, tokens)]


pieces = st.text("abé", min_size=1, max_size=3)


@given(
    st.sets(pieces | st.builds("##{}".format, pieces), min_size=1, max_size=9),
    st.lists(st.text("abé .漢", max_size=14), min_size=1, max_size=4),
)
@settings(max_examples=40)
def test_wordpiece_is_greedy_longest_match(learned, batch):
    tokens = [*SPECIAL, *sorted(learned)]
    wordpiece = WordPiece(from_tokens(tokens))
    expected = [wordpiece_by_hand(text, set(tokens)) for text in batch]
    assert spelled(wordpiece.pieces(tf.constant(batch))) == expected


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_sentencepiece_ids_are_its_own_processors(kind, golden, tmp_path):
    tokenizer = make(kind)
    tokenizer.save(tmp_path)
    processor = sentencepiece.SentencePieceProcessor(str(tmp_path / "sentencepiece.model"))
    cleaned = [text.decode() for text in tokenizer.clean(tf.constant(golden)).numpy()]
    # What has no space is cut after each 1,000 characters.
    parted = [re.sub(r"\S{1000}(?=\S)", r"\g<0> ", text) for text in cleaned]
    expected = [processor.encode(text) for text in parted]
    for got, want in zip(tokenizer.all_ids(tf.constant(golden)).to_list(), expected, strict=True):
        # Two cuts of a word may have the same likelihood, and versions choose differently.
        if got != want:
            assert kind == "unigram"
            assert sorted(got) == sorted(want)


def test_a_ready_model_without_padding_moves_up_by_one(tmp_path):
    path = tmp_path / "ready"
    lines = ["the cat sat on the mat and the dog", "a dog and a cat"] * 20
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(path), vocab_size=18, minloglevel=2
    )
    options = {"kind": "sentencepiece", "model": f"{path}.model"}
    settings = Text.model_validate({"tokenizer": options})
    tokenizer = tokenizers.Tokenizer(settings, vocabulary.ready(settings.tokenizer))
    processor = sentencepiece.SentencePieceProcessor(f"{path}.model")
    assert processor.pad_id() == -1
    assert tokenizer.vocabulary == ["[PAD]", *(processor.id_to_piece(i) for i in range(18))]
    assert (tokenizer.pad_id, tokenizer.unknown_id) == (0, 1)
    texts = ["The dog sat", "zebra <s> </s>", ""]
    assert ids(tokenizer, texts) == [[i + 1 for i in processor.encode(t.lower())] for t in texts]


def test_bert_vocabulary_agrees_with_longest_match_on_film_reviews(data):
    path = data / "bert_assets" / "bert-base-uncased-vocab.txt"
    settings = Text.model_validate(
        {"max_length": 10_000, "tokenizer": {"kind": "wordpiece", "vocabulary": str(path)}}
    )
    tokenizer = tokenizers.Tokenizer(settings, vocabulary.ready(settings.tokenizer))
    assert (tokenizer.pad_id, tokenizer.unknown_id) == (0, 100)
    tokens = set(tokenizer.vocabulary)
    with gzip.open(data / "imdb" / "test.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in itertools.islice(lines, 200)]
    cleaned = [text.decode() for text in tokenizer.clean(tf.constant(texts)).numpy()]
    expected = [wordpiece_by_hand(text, tokens) for text in cleaned]
    assert spelled(tokenizer.pieces(tf.constant(texts))) == expected


def test_a_folder_without_a_tokenizer_is_named(tmp_path, tokenizer):
    with pytest.raises(JobError, match=r"holds no tokenizer: .*settings.json is missing"):
        tokenizers.load(tmp_path)
    tokenizer.save(tmp_path)
    for name in ("vocabulary.txt", "sentencepiece.model"):
        (tmp_path / name).unlink(missing_ok=True)
    with pytest.raises(JobError, match="holds no tokenizer"):
        tokenizers.load(tmp_path)


def test_from_model_and_from_tokens_find_the_unknown_token():
    assert from_tokens(["[PAD]", "a", "[UNK]"]).unknown_id == 2
    model = make("bpe").vocabulary
    assert model[1] == "[UNK]"
    with pytest.raises(RuntimeError):
        from_model(b"no model")
