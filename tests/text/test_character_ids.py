"""Character ids against AllenNLP's mapping, one byte at a time, in eager, traced and saved form."""

import json

import numpy as np
import pytest
import tensorflow as tf
from text_kinds import GOLDEN

from components import characters
from pipeline.text.characters import LONGEST, character_ids

WORDS = [*GOLDEN, b"a", b"x" * 47, b"x" * 48, b"x" * 49, "é".encode() * 24 + b"!", b"\xff" * 60]


def by_hand(word):
    """As AllenNLP's `ELMoCharacterMapper.convert_word_to_char_ids`, from the bytes of a word."""
    word = word[:48]
    ids = [260] * 50
    ids[0] = 258
    for place, byte in enumerate(word, start=1):
        ids[place] = byte
    ids[len(word) + 1] = 259
    return [i + 1 for i in ids]


def test_words_have_the_ids_of_allennlp():
    np.testing.assert_array_equal(character_ids(tf.constant(WORDS)), [*map(by_hand, WORDS)])


def test_real_words(data):
    folder = data / "elmo_fixtures" / "allennlp"
    if not folder.is_dir():
        pytest.skip(f"no ELMo fixtures in {folder}: set TEXTMILL_DATA")
    sentences = json.loads((folder / "sentences.json").read_text(encoding="utf-8"))
    words = [word.encode() for part in sentences for text in part for word in text.split()]
    assert len(words) > 500
    np.testing.assert_array_equal(character_ids(tf.constant(words)), [*map(by_hand, words)])


def test_no_word_is_a_special_one():
    ids = character_ids(tf.constant([b"<S>", b"</S>", b"", *WORDS])).numpy()
    assert not np.isin(ids, (0, 257, 258)).any()


def test_ragged_words_keep_their_places_and_what_is_missing_is_0():
    ragged = tf.ragged.constant([["one", "two"], [], ["three"]])
    ids = character_ids(ragged).to_tensor().numpy()
    assert ids.shape == (3, 2, LONGEST)
    np.testing.assert_array_equal(ids[0], [by_hand(b"one"), by_hand(b"two")])
    np.testing.assert_array_equal(ids[2, 0], by_hand(b"three"))
    assert not ids[1].any()
    assert not ids[2, 1].any()


@pytest.mark.parametrize("texts", [[], [[]], [[], []]], ids=str)
def test_no_words_are_no_error(texts):
    ragged = tf.ragged.constant(texts, tf.string, ragged_rank=1)
    shape = (len(texts), 0, LONGEST)
    assert character_ids(ragged).to_tensor(shape=[None, None, LONGEST]).shape == shape


def test_a_saved_function_gives_the_same_ids(tmp_path):
    module = tf.Module()
    module.ids = tf.function(character_ids, [tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_array_equal(loaded.ids(tf.constant(WORDS)), [*map(by_hand, WORDS)])


def test_components_and_texts_mean_the_same_ids():
    assert characters.LONGEST == LONGEST
    for edge, byte in ((characters.SENTENCE_START, 256), (characters.SENTENCE_END, 257)):
        # As the words' ids, but for one special character.
        expected = np.array(by_hand(b"x"))
        expected[1] = byte + 1
        np.testing.assert_array_equal(edge, expected)
    assert character_ids(tf.constant(WORDS)).numpy().max() < characters.NUM_CHARACTERS
