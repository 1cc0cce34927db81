"""Words from characters against the sums written out, and the fast way against the portable."""

import numpy as np
import pytest

from components.characters import CharacterCNN
from components.distinct_words import FILL, distinct_words
from components.highway import Highway

FILTERS = ((1, 4), (2, 5), (3, 6), (7, 3))
SETTINGS = [
    {"activation": "relu", "num_highway": 0, "projection": None},
    {"activation": "tanh", "num_highway": 0, "projection": 5},
    {"activation": "relu", "num_highway": 2, "projection": 5},
]


def spelled(*lengths, seed=0):
    """A word of each length, beginning and end included; of length 0, no word."""
    random = np.random.default_rng(seed)
    words = np.full((len(lengths), 50), FILL, np.int32)
    for word, length in zip(words, lengths, strict=True):
        word[:length] = random.integers(1, 261, length)
        if not length:
            word[:] = 0
    return words


def built(seed=7, **settings):
    layer = CharacterCNN(FILTERS, 4, seed=seed, **settings)
    layer.build((None, None, 50))
    random = np.random.default_rng(1)
    for weight in layer.weights:
        if "bias" in weight.path:
            weight.assign(random.normal(size=weight.shape) * 0.3)
    return layer


def by_hand(word, layer):
    """One word, one window at a time."""
    weights = {v.path.split("/", 1)[1]: v.numpy() for v in layer.weights}
    characters = weights["vectors"][word]
    features = []
    for i, (width, _) in enumerate(FILTERS):
        windows = [characters[start : start + width] for start in range(50 - width + 1)]
        kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        answers = [np.einsum("we,wef->f", window, kernel) + bias for window in windows]
        features.append(np.max(answers, axis=0))
    x = np.concatenate(features)
    x = np.maximum(x, 0) if layer.activation == "relu" else np.tanh(x)
    for i in range(layer.num_highway):
        part = {k.removeprefix(f"highway_{i}/"): v for k, v in weights.items()}
        made = np.maximum(x @ part["transform/kernel"] + part["transform/bias"], 0)
        carried = 1 / (1 + np.exp(-(x @ part["carry/kernel"] + part["carry/bias"])))
        x = carried * x + (1 - carried) * made
    return x @ weights["project/kernel"] + weights["project/bias"] if layer.projection else x


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_vectors_are_the_sums_written_out(settings, distinct):
    words = spelled(3, 50, 2, 9, 44)
    layer = built(**settings, distinct=distinct)
    expected = [by_hand(word, layer) for word in words]
    np.testing.assert_allclose(layer(words), expected, atol=2e-6)
    np.testing.assert_allclose(layer(words[:4].reshape(2, 2, 50))[1, 0], expected[2], atol=2e-6)


@pytest.mark.parametrize("distinct", [False, True])
def test_where_there_is_no_word_the_vector_is_0(distinct):
    layer = built(**SETTINGS[2], distinct=distinct)
    vectors = np.asarray(layer(spelled(0, 5, 0)))
    np.testing.assert_array_equal(vectors[[0, 2]], 0)
    assert np.abs(vectors[1]).min() > 0
    np.testing.assert_array_equal(layer(spelled(0, 0)), np.zeros((2, 5)))


@pytest.mark.parametrize("lengths", [(3, 4, 3, 7), (3, 43, 50), (2, 44, 0), (49,)], ids=str)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_distinct_words_give_the_same_vectors_and_gradients(settings, lengths):
    tf = pytest.importorskip("tensorflow")
    words = spelled(*lengths)
    text = words[np.random.default_rng(0).integers(0, len(words), (3, 6))]
    random = np.random.default_rng(3).normal(size=(3, 6, built(**settings).output_width))

    def vectors_and_gradients(distinct):
        layer = built(**settings, distinct=distinct)
        with tf.GradientTape() as tape:
            vectors = layer(text)
            total = tf.reduce_sum(vectors * random)
        watched = [v.value for v in layer.trainable_variables]
        return vectors, *map(tf.convert_to_tensor, tape.gradient(total, watched))

    for got, expected in zip(
        vectors_and_gradients(True), vectors_and_gradients(False), strict=True
    ):
        np.testing.assert_allclose(got, expected, atol=1e-4, rtol=1e-5)


def test_each_word_is_there_once_and_no_longer_than_filters_can_tell():
    words = spelled(4, 9, 0)
    distinct, places = distinct_words(words[[[2, 0], [1, 0]]], 3)
    np.testing.assert_array_equal(distinct, words[[2, 0, 1], : 9 + 3])
    np.testing.assert_array_equal(places, [[0, 1], [2, 1]])
    assert distinct_words(spelled(49), 3)[0].shape == (1, 50)


def test_a_new_highway_lets_most_of_x_pass():
    x = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
    passed = np.asarray(Highway(seed=1)(x))
    slope = (passed * x).sum() / (x * x).sum()
    assert 0.65 < slope < 0.85  # sigmoid(1) is 0.73


def test_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="Received: 'gelu'"):
        CharacterCNN(activation="gelu")
