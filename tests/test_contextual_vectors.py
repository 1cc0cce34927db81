"""ELMo's vectors on disk against ELMo itself, one text at a time."""

import os
import shutil
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from tiny_elmo import write

from components.characters import CharacterCNN
from components.elmo import ElmoEncoder
from components.sentence_boundaries import with_boundaries
from configs.data import Text
from configs.loading import parse
from pipeline import artifacts, contextual_vectors, data, elmo_files
from pipeline.errors import JobError
from pipeline.text import tokenizers, vocabulary
from pipeline.text.characters import character_ids

TEXTS = {
    "train": [
        "A good film , a GOOD one",
        "",
        "bad",
        "x" * 60 + " y",
        *["so so"] * 3,
        "a b c d e f",
    ],
    "valid": ["unheard of", "good"],
}
TASKS = {
    "text": ("classify", "task: {kind: classify}"),
    "second_text": ("pair", "task: {kind: classify, second: b}"),
    "words": ("tag", "task: {kind: tag}"),
}
LONGEST = 5  # words of a text


@pytest.fixture(scope="module")
def elmo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elmo")
    write(folder)
    return folder


@pytest.fixture
def recipe(tmp_path):
    def make(kind="text"):
        lines = ["name: t", f"work: {tmp_path}", "data: {train: x}", TASKS[kind][1]]
        return parse("\n".join([*lines, "model: {kind: lstm}"]))

    return make


def strings(values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def example(text):
    words = text.lower().split()[:LONGEST]  # a tag is for each of the words that are kept
    features = {"text": [text], "second_text": [text[::-1]], "words": words}
    features = {k: strings([v.encode() for v in values]) for k, values in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@pytest.fixture
def prepared(tmp_path):
    """Prepared data of three examples a shard."""
    splits = {}
    with artifacts.publish(tmp_path / "prepared", "data", {"splits": splits}) as folder:
        for split, texts in TEXTS.items():
            starts = range(0, len(texts), 3)
            splits[split] = {"shards": [f"{split}-{start}.tfrecord" for start in starts]}
            for start in starts:
                with tf.io.TFRecordWriter(str(folder / f"{split}-{start}.tfrecord")) as shard:
                    for text in texts[start : start + 3]:
                        shard.write(example(text))
        settings = Text(max_length=LONGEST)
        known = vocabulary.learn(Counter({"good": 3}), settings.tokenizer)
        tokenizers.Tokenizer(settings, known).save(folder / "tokenizer")
    return tmp_path / "prepared"


def words_of(kind, text):
    return (text[::-1] if kind == "second_text" else text).lower().split()[:LONGEST]


def by_elmo(folder, words):
    """(words, L + 1, 2 P) of one text, in 32 bits."""
    found = elmo_files.read(folder)
    spelling, encoder = CharacterCNN(**found.characters), ElmoEncoder(**found.encoder)
    spelling.build((None, None, 50))
    encoder.build((None, None, encoder.output_width))
    elmo_files.assign(spelling, found.character_weights)
    elmo_files.assign(encoder, found.encoder_weights)
    inside = with_boundaries(character_ids(tf.constant([words])))
    return encoder(spelling(inside))[0].numpy()[0, 1:-1]


@pytest.mark.parametrize("kind", TASKS)
def test_vectors_on_disk_are_elmos(kind, elmo, prepared, recipe):
    directory = contextual_vectors.compute(prepared, recipe(kind), elmo)
    assert sorted(p.name for p in directory.iterdir() if p.is_dir()) == []
    for split, texts in TEXTS.items():
        words = [words_of(kind, text) for text in texts]
        offsets = np.cumsum([0, *map(len, words)])
        found = contextual_vectors.read(directory, split, kind, offsets)
        assert isinstance(found.values, np.memmap)
        for row, text in enumerate(words):
            assert found[row].shape == (len(text), 2, 8)
            if text:
                np.testing.assert_allclose(found[row], by_elmo(elmo, text), rtol=1e-3, atol=1e-3)


def test_batches_of_vectors_are_padded_with_0(elmo, prepared, recipe):
    directory = contextual_vectors.compute(prepared, recipe(), elmo)
    offsets = np.cumsum([0, 2, 1])
    found = contextual_vectors.read(directory, "valid", "text", offsets)
    assert isinstance(found, data.Sequences)
    padded = found.padded(np.array([1, 0]), 3, 4)
    assert padded.shape == (3, 4, 2, 8)
    np.testing.assert_array_equal(padded[0, 0], found[1][0])
    np.testing.assert_array_equal(padded[1, :2], found[0])
    assert not padded[0, 1:].any()
    assert not padded[2].any()


def test_vectors_are_computed_once_for_the_same_data_and_elmo(elmo, prepared, recipe, tmp_path):
    first = contextual_vectors.compute(prepared, recipe(), elmo)
    made = os.stat(first / "train-text").st_mtime_ns
    moved = shutil.copytree(elmo, tmp_path / "moved")
    assert contextual_vectors.compute(prepared, recipe(), moved) == first
    assert os.stat(first / "train-text").st_mtime_ns == made
    write(moved, units=7)
    second = contextual_vectors.compute(prepared, recipe(), moved)
    write(moved, scale=0.5)
    third = contextual_vectors.compute(prepared, recipe(), moved)
    vectors = [(folder / "train-text").read_bytes() for folder in (first, second, third)]
    assert len({first, second, third}) == len(set(vectors)) == 3


def test_vectors_of_other_data_are_refused(elmo, prepared, recipe):
    directory = contextual_vectors.compute(prepared, recipe(), elmo)
    with pytest.raises(JobError, match="of 3 words of valid-text, but the data has 4: delete"):
        contextual_vectors.read(directory, "valid", "text", np.array([0, 4]))
    with pytest.raises(JobError, match="of no words of test-text, but the data has 4"):
        contextual_vectors.read(directory, "test", "text", np.array([0, 4]))


def test_vectors_too_large_for_16_bits_are_refused(prepared, recipe, tmp_path):
    write(tmp_path, scale=1e5)
    with pytest.raises(JobError, match="vectors beyond 16 bits"):
        contextual_vectors.compute(prepared, recipe(), tmp_path)
    assert not list((tmp_path / "contextual").glob("*/manifest.json"))
