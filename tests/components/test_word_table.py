"""One table for reading and predicting, of which training drops whole words."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.word_table import WordTable

V, D = 50, 6
RANDOM = np.random.default_rng(0)
IDS = RANDOM.integers(0, V, (4, 30))


def test_a_word_is_dropped_everywhere_or_nowhere():
    layer = WordTable(V, D, dropout=0.3, seed=7)
    vectors, table = layer(IDS, training=True)
    kept = keras.random.dropout(
        np.ones((V, 1), np.float32), 0.3, seed=keras.random.SeedGenerator(7)
    )
    start, kept = layer.table.numpy(), np.asarray(kept)
    assert 0.1 < np.mean(kept == 0) < 0.5
    np.testing.assert_allclose(vectors, (start * kept)[IDS], rtol=1e-6)
    np.testing.assert_array_equal(table, start)  # a tied softmax predicts dropped words too
    np.testing.assert_array_equal(layer(IDS)[0], start[IDS])
    assert (np.asarray(layer(IDS, training=True)[0]) != np.asarray(vectors)).any()


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_the_gradient_of_both_uses(dropout):
    """The sum of a tied softmax's and of all places of each word, as one dense tensor."""
    layer = WordTable(V, D, dropout=dropout, seed=7)
    layer.build(IDS.shape)
    read = RANDOM.normal(size=(*IDS.shape, D)).astype(np.float32)
    predict = RANDOM.normal(size=(V, D)).astype(np.float32)
    with tf.GradientTape() as tape:
        vectors, table = layer(IDS, training=True)
        loss = tf.reduce_sum(vectors * read) + tf.reduce_sum(table * predict)
    found = tape.gradient(loss, layer.table.value)
    kept = np.ones((V, 1), np.float32)
    if dropout:
        kept = keras.random.dropout(kept, dropout, seed=keras.random.SeedGenerator(7))
    expected = np.zeros((V, D))
    np.add.at(expected, IDS, read)
    np.testing.assert_allclose(tf.convert_to_tensor(found), expected * kept + predict, atol=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_gradients_of_many_places_are_summed_in_full_precision(dropout):
    """Of 1,000 places of one word, all as large: 16 bits would stop adding at 256."""
    layer = WordTable(V, D, dropout=dropout, seed=8, dtype="mixed_bfloat16")
    ids = np.full((10, 100), 3)
    with tf.GradientTape() as tape:
        vectors, table = layer(ids, training=True)
        loss = tf.reduce_sum(tf.cast(vectors, tf.float32))
    found = tf.convert_to_tensor(tape.gradient(loss, layer.table.value))
    np.testing.assert_allclose(found[3], 1000 / (1 - dropout), rtol=1e-4)
    assert vectors.dtype == "bfloat16"
    assert table.dtype == "float32"
