"""Sums of vectors by hand, and how they start."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.positions import sinusoids
from components.token_embeddings import TokenEmbeddings

V, D, LENGTH = 20, 6, 9
RANDOM = np.random.default_rng(0)
IDS = RANDOM.integers(0, V, (3, 5)).astype(np.int32)
TYPES = RANDOM.integers(0, 2, (3, 5)).astype(np.int32)
PLACES = np.array([[0, 1, 2, 0, 1], [0, 1, 2, 3, 4], [0, 0, 0, 8, 7]], np.int32)


def built(**options):
    layer = TokenEmbeddings(V, D, LENGTH, **{"dropout": 0.0, "norm": False} | options)
    layer.build((None, None))
    random = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


def test_bert_norms_the_sum_of_three_vectors():
    layer = built(num_types=2, norm=True, epsilon=1e-3)
    table, places, types, gamma, beta = layer.get_weights()
    found = layer(IDS, TYPES, PLACES)
    total = table[IDS] + places[PLACES] + types[TYPES]
    centred = total - total.mean(axis=-1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-3) * gamma + beta
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_positions_count_from_0_and_types_are_0():
    layer = built(num_types=2)
    zeros, counted = np.zeros_like(IDS), np.broadcast_to(np.arange(5), IDS.shape)
    np.testing.assert_array_equal(layer(IDS), layer(IDS, zeros, counted))
    assert np.abs(layer(IDS) - layer(IDS, TYPES, PLACES)).max() > 0.1


def test_sinusoidal_positions_stand_beside_enlarged_tokens():
    layer = built(positions="sinusoidal")
    (table,) = layer.get_weights()
    expected = table[IDS] * 6**0.5 + sinusoids(PLACES, D)
    np.testing.assert_allclose(layer(IDS, positions=PLACES), expected, atol=1e-6)
    long = RANDOM.integers(0, V, (1, LENGTH + 3)).astype(np.int32)
    assert layer(long).shape == (1, LENGTH + 3, D)


def test_gradients_are_sums_over_the_places_of_a_token_in_float32():
    layer = built(num_types=2, dtype="mixed_bfloat16")
    ids = np.full((1, 1000), 7, np.int32)  # 1000 does not fit into the 8 bits of bfloat16's sums
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(ids, positions=np.zeros_like(ids)))
    gradients = [
        tf.convert_to_tensor(g) for g in tape.gradient(loss, [w.value for w in layer.weights])
    ]
    for gradient, row in zip(gradients, (7, 0, 0), strict=True):
        np.testing.assert_array_equal(gradient[row], 1000)


def test_dropout_in_training_only():
    layer = built(dropout=0.5, seed=2)
    np.testing.assert_array_equal(layer(IDS), built()(IDS))
    dropped = np.asarray(layer(IDS, training=True))
    kept = dropped != 0
    assert 0.2 < kept.mean() < 0.8
    np.testing.assert_allclose(dropped[kept], 2 * layer(IDS).numpy()[kept], rtol=1e-5)


def test_paths_and_starts():
    inputs = keras.Input((None,), dtype="int32")
    layer = TokenEmbeddings(500, 100, 300, num_types=2, name="embeddings")
    model = keras.Model(inputs, layer(inputs))
    assert {weight.path: weight.shape for weight in model.weights} == {
        "embeddings/table": (500, 100),
        "embeddings/positions": (300, 100),
        "embeddings/types": (2, 100),
        "embeddings/norm/gamma": (100,),
        "embeddings/norm/beta": (100,),
    }
    table, places, types = layer.get_weights()[:3]
    deviation = 0.02 * (768 / 100) ** 0.5
    assert np.std(table) == pytest.approx(0.88 * deviation, rel=0.05)
    assert np.std(types) == pytest.approx(0.88 * deviation, rel=0.2)
    assert np.mean(places**2) ** 0.5 == pytest.approx(deviation, rel=1e-5)
    # Two places are as alike as they are near each other, wherever they are.
    alike = [places[n] @ places[n + 3] for n in (0, 100, 290)]
    np.testing.assert_allclose(alike, alike[0], rtol=1e-4)
    assert places[50] @ places[51] > places[50] @ places[53] > places[50] @ places[60]
    plain = TokenEmbeddings(500, 100, 300, norm=False)
    plain.build((None, None))
    assert np.std(plain.position_table) == pytest.approx(0.88 * deviation, rel=0.05)
    scattered = plain.position_table.numpy()
    assert abs(scattered[50] @ scattered[51]) < places[50] @ places[51] / 3
    waves = TokenEmbeddings(500, 100, positions="sinusoidal")
    waves.build((None, None))
    assert np.std(waves.table) == pytest.approx(0.1, rel=0.05)


def test_what_is_refused():
    with pytest.raises(ValueError, match="Received: 'rotary'"):
        TokenEmbeddings(V, D, positions="rotary")
    with pytest.raises(ValueError, match=r"9 learned positions\. Received: texts of 10 tokens"):
        built()(np.zeros((1, 10), np.int32))
