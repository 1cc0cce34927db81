"""N-gram features against the sums written out, and the textbook's sizes."""

import keras
import numpy as np
import pytest
from keras import ops

from components.ngrams import NGramFeatures, num_windows

DEPTH, FILTERS, LENGTHS = 4, 12, (1, 2, 3, 4, 7, 11)
SETTINGS = [
    {"padding": padding, "stride": stride, "pooling": pooling, "k": k}
    for padding in ("valid", "same")
    for stride in (1, 2, 3)
    for pooling, k in (("max", 1), ("average", 1), ("kmax", 3))
]


def texts_and_batch(seed=0):
    """Texts of all lengths, and the same in a batch whose padding holds garbage."""
    random = np.random.default_rng(seed)
    texts = [random.normal(size=(length, DEPTH)).astype(np.float32) for length in LENGTHS]
    batch = random.normal(size=(len(texts), max(LENGTHS) + 2, DEPTH)).astype(np.float32)
    for row, text in zip(batch, texts, strict=True):
        row[: len(text)] = text
    mask = np.arange(batch.shape[1]) < np.array(LENGTHS)[:, None]
    return texts, batch, mask


def by_hand(text, kernel, bias, padding, stride, pooling, k):
    """One text, one width: every window that the definition names, one product at a time."""
    length, width = len(text), len(kernel)
    if padding == "same":
        starts = [middle - (width - 1) // 2 for middle in range(0, length, stride)]
    else:
        starts = [start for start in range(0, length, stride) if start + width <= length] or [0]
    responses = []
    for start in starts:
        inside = [j for j in range(width) if 0 <= start + j < length]
        responses.append(bias + sum(text[start + j] @ kernel[j] for j in inside))
    responses = np.array(responses)  # (N, filters)
    if pooling == "max":
        return np.maximum(responses.max(axis=0), 0)
    if pooling == "average":
        return np.maximum(responses, 0).mean(axis=0)
    features = np.zeros((responses.shape[1], k))
    for kept, column in zip(features, responses.T, strict=True):
        best = sorted(sorted(range(len(column)), key=lambda n: -column[n])[:k])
        kept[: len(best)] = np.maximum(column[best], 0)
    return features.ravel()


def built(**settings):
    layer = NGramFeatures((1, 2, 3, 5), FILTERS, seed=7, **settings)
    layer.build((None, None, DEPTH))
    for i, bias in enumerate(layer.biases):
        bias.assign(np.random.default_rng(i).normal(size=FILTERS) * 0.5)
    return layer


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_features_are_the_sums_written_out(settings):
    layer = built(**settings)
    texts, batch, mask = texts_and_batch()
    weights = [(k.numpy(), b.numpy()) for k, b in zip(layer.kernels, layer.biases, strict=True)]
    expected = [
        np.concatenate([by_hand(text, *pair, **settings) for pair in weights]) for text in texts
    ]
    np.testing.assert_allclose(layer(batch, mask=mask), expected, atol=1e-5)


def test_a_text_without_tokens_has_features_0():
    x = np.ones((1, 4, DEPTH), np.float32)
    for settings in SETTINGS:
        features = built(**settings)(x, mask=np.zeros((1, 4), bool))
        np.testing.assert_array_equal(features, np.zeros_like(features))


def test_one_filter_on_a_text_one_can_follow():
    """A difference filter on 0 1 0 2 0 3: responses 1 -1 2 -2 3."""
    text = np.array([0, 1, 0, 2, 0, 3], np.float32)[None, :, None]
    expected = {"max": [3], "average": [(1 + 2 + 3) / 5], "kmax": [1, 2, 3]}
    for pooling, features in expected.items():
        layer = NGramFeatures((2,), 1, "valid", pooling=pooling, k=3)
        layer.build(text.shape)
        layer.kernels[0].assign([[[-1.0]], [[1.0]]])
        np.testing.assert_allclose(layer(text)[0], features, rtol=1e-6)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_number_of_windows_is_that_of_the_textbook_and_of_keras(padding, stride, width):
    convolution = keras.layers.Conv1D(1, width, strides=stride, padding=padding)
    for length in range(width, 12):
        around = width - 1 if padding == "same" else 0  # 2P
        textbook = (length + around - width) // stride + 1
        assert int(num_windows(length, width, stride, padding)) == textbook
        assert convolution.compute_output_shape((1, length, 1))[1] == textbook


def test_a_text_shorter_than_the_width_has_one_window():
    assert [int(num_windows(length, 5, 2, "valid")) for length in (1, 4, 5, 6, 7)] == [
        1,
        1,
        1,
        1,
        2,
    ]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_distinct_tokens_give_the_same_features_and_gradients(settings):
    tf = pytest.importorskip("tensorflow")
    from components.distinct_tokens import DistinctTokens

    random = np.random.default_rng(0)
    ids = random.integers(1, 6, (len(LENGTHS), max(LENGTHS) + 1)).astype(np.int32)
    ids[np.arange(ids.shape[1]) >= np.array(LENGTHS)[:, None]] = 0
    table = tf.constant(random.normal(size=(6, DEPTH)), tf.float32)
    layer = built(**settings)
    weight = random.normal(size=layer(ops.take(table, ids, axis=0)).shape)

    def features_and_gradients(distinct):
        with tf.GradientTape() as tape:
            tape.watch(table)
            if distinct:
                tokens, places = DistinctTokens()(ids)
                features = layer(tf.gather(table, tokens), places=places)
            else:
                features = layer(tf.gather(table, ids), mask=ids != 0)
            total = tf.reduce_sum(features * weight)
        watched = [table, *(v.value for v in layer.trainable_variables)]
        return features, *map(tf.convert_to_tensor, tape.gradient(total, watched))

    one_by_one, at_once = features_and_gradients(False), features_and_gradients(True)
    for expected, got in zip(one_by_one, at_once, strict=True):
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(got, expected, atol=2e-5)


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match=r"`valid` or `same`\. Received: 'full'"):
        NGramFeatures(padding="full")
    with pytest.raises(ValueError, match="Received: 'min'"):
        NGramFeatures(pooling="min")
