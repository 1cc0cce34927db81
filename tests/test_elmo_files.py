"""Ready ELMo models: both published fixtures, number by number, and files that are not right."""

import json
import os
import shutil
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf
from tiny_elmo import save, write

from components.characters import SENTENCE_END, SENTENCE_START, CharacterCNN
from components.elmo import ElmoEncoder
from components.sentence_boundaries import with_boundaries, without_boundaries
from pipeline import elmo_files
from pipeline.errors import JobError
from pipeline.text.characters import character_ids

FIXTURES = {
    "allennlp": ("allennlp", "sentences.json"),
    "bilm-tf": ("bilm-tf/model", "lm_embeddings_sentences.json"),
}


@pytest.fixture(scope="module")
def fixtures():
    folder = Path(os.environ.get("TEXTMILL_DATA", "../shared/data"), "elmo_fixtures")
    if not folder.is_dir():
        pytest.skip(f"no ELMo fixtures in {folder}: set TEXTMILL_DATA")
    return folder


@pytest.fixture(scope="module", params=FIXTURES)
def fixture(request, fixtures):
    folder, sentences = FIXTURES[request.param]
    texts = json.loads((fixtures / folder / sentences).read_text(encoding="utf-8"))
    return fixtures / folder, [[text.split() for text in row] for row in zip(*texts, strict=True)]


def layers(folder, **options):
    """Both layers with the weights of a folder."""
    elmo = elmo_files.read(folder)
    words = CharacterCNN(**elmo.characters, **options, name="words")
    encoder = ElmoEncoder(**elmo.encoder, name="encoder")
    words.build((None, None, 50))
    encoder.build((None, None, encoder.output_width))
    elmo_files.assign(words, elmo.character_weights)
    elmo_files.assign(encoder, elmo.encoder_weights)
    return words, encoder


def by_bilm_tf(folder, batches):
    """Every layer of every text as bilm-tf has it, in NumPy, straight from the files.

    A row of a batch goes on with the states that the same row of the batch before ended with.
    """
    options = json.loads((folder / "options.json").read_text())["lstm"]
    units, states = options["dim"], {}
    with h5py.File(folder / "lm_weights.hdf5") as file:
        weights = {}
        file.visititems(
            lambda name, x: weights.update({name: x[...]} if isinstance(x, h5py.Dataset) else {})
        )

    @cache
    def word_vector(characters):
        x = weights["char_embed"][np.asarray(characters) - 1]
        features = []
        for i in range(5):
            kernel, bias = weights[f"CNN/W_cnn_{i}"][0], weights[f"CNN/b_cnn_{i}"]
            ends = range(len(kernel), 51)
            answers = [np.tensordot(x[end - len(kernel) : end], kernel, 2) + bias for end in ends]
            features.append(np.maximum(np.max(answers, axis=0), 0))
        x = np.concatenate(features)
        for i in range(2):
            part = {k: weights[f"CNN_high_{i}/{k}"] for k in ("W_carry", "W_transform")}
            gate = sigmoid(x @ part["W_carry"] + weights[f"CNN_high_{i}/b_carry"])
            made = np.maximum(x @ part["W_transform"] + weights[f"CNN_high_{i}/b_transform"], 0)
            x = gate * made + (1 - gate) * x
        return x @ weights["CNN_proj/W_proj"] + weights["CNN_proj/b_proj"]

    def read(x, direction, level, row):
        cell = {
            name: weights[f"RNN_{direction}/RNN/MultiRNNCell/Cell{level}/LSTMCell/{name}"]
            for name in ("W_0", "B", "W_P_0")
        }
        start = np.zeros(x.shape[1]), np.zeros(units)
        h, c = states.get((direction, level, row), start)
        outputs = []
        for step in x:
            # TensorFlow 1 has the gates in this order, and adds 1 to the forget gate.
            i, j, f, o = np.split(np.concatenate([step, h]) @ cell["W_0"] + cell["B"], 4)
            c = np.clip(sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j), -3, 3)
            h = np.clip((sigmoid(o) * np.tanh(c)) @ cell["W_P_0"], -3, 3)
            outputs.append(h)
        states[direction, level, row] = h, c
        return np.array(outputs)

    for texts in batches:
        for row, text in enumerate(texts):
            inside = [SENTENCE_START, *character_ids(tf.constant(text)).numpy(), SENTENCE_END]
            words = np.array([word_vector(tuple(characters)) for characters in inside])
            every = [np.concatenate([words, words], axis=1)]
            forward, backward = words, words[::-1]
            for level in range(2):
                skip = options["use_skip_connections"] and level
                forward = read(forward, 0, level, row) + (forward if skip else 0)
                backward = read(backward, 1, level, row) + (backward if skip else 0)
                every.append(np.concatenate([forward, backward[::-1]], axis=1))
            yield np.stack(every, axis=1)[1:-1]  # (T, 3, 2 P)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_textmill(folder, batches):
    words, encoder = layers(folder, distinct=True)
    state = None
    for texts in batches:
        characters = character_ids(tf.ragged.constant(texts)).to_tensor()
        inside = with_boundaries(characters)
        every, state = encoder(words(inside), mask=inside[..., 0] > 0, state=state)
        every = without_boundaries(every, characters[..., 0] > 0).numpy()
        for text, vectors in zip(texts, every, strict=True):
            assert not vectors[len(text) :].any()
            yield vectors[: len(text)]


def published(folder, batches):
    """What bilm-tf gave out: the uppermost layer of every text."""
    for number, texts in enumerate(batches):
        for row in range(len(texts)):
            with h5py.File(folder / f"lm_embeddings_{row}.hdf5") as file:
                yield np.concatenate(list(file[str(number)][...]), axis=-1)


@pytest.fixture(scope="module")
def vectors(fixture):
    return list(by_textmill(*fixture))


def test_every_text_has_the_published_vectors(fixture, vectors):
    assert len(vectors) == 30
    for got, expected in zip(vectors, published(*fixture), strict=True):
        np.testing.assert_allclose(got[:, -1], expected, atol=1e-5, rtol=0)


def test_every_layer_of_every_text_is_bilm_tfs(fixture, vectors):
    for got, expected in zip(vectors, by_bilm_tf(*fixture), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5, rtol=0)


def test_words_have_the_published_vectors(fixtures):
    folder = fixtures / "allennlp"
    vocabulary = (folder / "vocab_test.txt").read_text(encoding="utf-8").strip().split("\n")
    ids = character_ids(tf.constant(vocabulary)).numpy()
    for word, edge in (("<S>", SENTENCE_START), ("</S>", SENTENCE_END)):
        ids[vocabulary.index(word)] = edge
    with h5py.File(folder / "elmo_token_embeddings.hdf5") as file:
        expected = file["embedding"][...]
    for distinct in (False, True):
        words, _ = layers(folder, distinct=distinct)
        np.testing.assert_allclose(words(ids), expected, atol=1e-5, rtol=0)


def test_gates_move_from_tensorflows_order_to_keras():
    """i c f o to i f c o, of a matrix and of a bias."""
    theirs = np.array([[1, 1, 2, 2, 3, 3, 4, 4], [5, 5, 6, 6, 7, 7, 8, 8]])
    ours = [[1, 1, 3, 3, 2, 2, 4, 4], [5, 5, 7, 7, 6, 6, 8, 8]]
    np.testing.assert_array_equal(elmo_files.gates(theirs), ours)
    np.testing.assert_array_equal(elmo_files.gates(theirs[0]), ours[0])


def test_projections_that_change_no_width_are_left_out(tmp_path):
    write(tmp_path, projection=8, units=8)
    words, encoder = layers(tmp_path)
    assert words.projection is None
    assert encoder.projection is encoder.projection_clip is None
    assert encoder(words(np.ones((1, 3, 50), np.int32)))[0].shape == (1, 3, 2, 16)


def test_options_are_found_beside_the_weights(tmp_path):
    write(tmp_path)
    expected = elmo_files.read(tmp_path)
    shutil.copy(tmp_path / "tiny_weights.hdf5", tmp_path / "other_weights.hdf5")
    (tmp_path / "other_options.json").write_text("nonsense")
    assert elmo_files.read(tmp_path / "tiny_weights.hdf5").encoder == expected.encoder
    with pytest.raises(JobError, match=r"got other_weights\.hdf5, tiny_weights\.hdf5, other_"):
        elmo_files.read(tmp_path)


def changed(*path, value):
    def change(folder, options):
        part = options
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
        save(folder, options)

    return change


def without(name):
    def change(folder, _):
        with h5py.File(folder / "tiny_weights.hdf5", "a") as file:
            del file[name]

    return change


def of_odd_shape(folder, _):
    with h5py.File(folder / "tiny_weights.hdf5", "a") as file:
        name = "RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell/B"
        del file[name]
        file[name] = np.zeros(23, np.float32)


def cut_short(folder, _):
    path = folder / "tiny_weights.hdf5"
    path.write_bytes(path.read_bytes()[:700])


BAD = {
    "no weights": (lambda f, _: (f / "tiny_weights.hdf5").unlink(), "no ELMo model: expected .*"),
    "no options": (lambda f, _: (f / "tiny_options.json").unlink(), r"got tiny_weights\.hdf5 in"),
    "no JSON": (lambda f, _: (f / "tiny_options.json").write_text("{"), "not a JSON object"),
    "a list": (lambda f, _: (f / "tiny_options.json").write_text("[]"), "not a JSON object"),
    "word inputs": (lambda f, o: save(f, {"lstm": o["lstm"]}), "has no 'char_cnn'"),
    "long words": (
        changed("char_cnn", "max_characters_per_token", value=60),
        "is 60, but textmill reads 50",
    ),
    "few bytes": (changed("char_cnn", "n_characters", value=60), "is 60, but .* reads 262 or 261"),
    "odd filters": (changed("char_cnn", "filters", value=[1, 2]), "are these ELMo's options"),
    "activation": (changed("char_cnn", "activation", value="elu"), "is elu, but .* relu or tanh"),
    "more filters": (changed("char_cnn", "filters", value=[[1, 3], [2, 5], [3, 1]]), "W_cnn_2'"),
    "no array": (without("CNN_proj/b_proj"), "no array 'CNN_proj/b_proj', which .* asks for"),
    "odd shape": (of_odd_shape, "an array of .*weights.hdf5 is of another shape"),
    "a part of a file": (cut_short, "no HDF5 file, or is cut short"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_with_a_model_is_said(spoil, message, tmp_path):
    spoil(tmp_path, write(tmp_path))
    with pytest.raises(JobError, match=message):
        elmo_files.read(tmp_path)


def test_weights_of_other_layers_are_refused(tmp_path):
    write(tmp_path)
    elmo = elmo_files.read(tmp_path)
    layer = CharacterCNN(((1, 3), (2, 5)), 3, 0, 4, name="words")
    layer.build((None, None, 50))
    with pytest.raises(JobError, match=r"words/vectors has shape \(262, 3\), .* \(262, 2\)"):
        elmo_files.assign(layer, elmo.character_weights)
    with pytest.raises(JobError, match=r"do not both have \['backward_0/bias'"):
        elmo_files.assign(layer, elmo.encoder_weights | elmo.character_weights)
