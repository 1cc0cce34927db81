"""ELMo's weighted sum against its equation, and against AllenNLP's where both mean the same."""

import numpy as np
import pytest

from components.scalar_mix import ScalarMix

RANDOM = np.random.default_rng(0)
LENGTHS = np.array([2, 5])
MASK = np.arange(5) < LENGTHS[:, None]
X = RANDOM.normal(1.0, 2.0, (2, 5, 3, 4)).astype(np.float32)
SCORES, GAMMA = np.array([0.3, -1.0, 2.0]), 1.7


def mix(**settings):
    layer = ScalarMix(**settings)
    layer.build(X.shape)
    layer.set_weights([SCORES, np.array(GAMMA)])
    return layer


def by_hand(x, norm):
    """(T, L, D) of one text -> (T, D)."""
    weights = np.exp(SCORES) / np.exp(SCORES).sum()
    if norm:
        x = (x - x.mean(axis=(0, 2), keepdims=True)) / x.std(axis=(0, 2), keepdims=True)
    return GAMMA * sum(weight * x[:, k] for k, weight in enumerate(weights))


@pytest.mark.parametrize("layer_norm", [False, True])
def test_the_mix_is_its_equation(layer_norm):
    mixed = np.asarray(mix(layer_norm=layer_norm)(X, mask=MASK))
    for text, length, got in zip(X, LENGTHS, mixed, strict=True):
        np.testing.assert_allclose(got[:length], by_hand(text[:length], layer_norm), atol=1e-5)
        np.testing.assert_array_equal(got[length:], 0)


def test_layer_norm_of_one_text_is_that_of_allennlp():
    """Its formula, which divides by what it counts over the whole batch: here, one text."""
    text, mask = X[0].transpose(1, 0, 2), MASK[0].astype(np.float32)[:, None]  # (L, T, D)
    number = mask.sum() * text.shape[-1]
    pieces = []
    for weight, layer in zip(np.exp(SCORES) / np.exp(SCORES).sum(), text, strict=True):
        mean = (layer * mask).sum() / number
        variance = (((layer * mask - mean) * mask) ** 2).sum() / number
        pieces.append(weight * (layer - mean) / np.sqrt(variance + 1e-12))
    expected = GAMMA * sum(pieces) * mask
    np.testing.assert_allclose(mix(layer_norm=True)(X[:1], mask=MASK[:1])[0], expected, atol=1e-5)


def test_a_new_mix_is_the_mean():
    np.testing.assert_allclose(ScalarMix()(X), X.mean(axis=2), atol=1e-6)


def test_layers_are_dropped_whole_and_the_others_share_their_weight():
    layer, shares, seen = mix(dropout=0.3, seed=3), np.exp(SCORES), []
    columns = X.transpose(0, 1, 3, 2).reshape(-1, 3)
    for _ in range(100):
        mixed = np.asarray(layer(X, training=True)).ravel()
        weights = np.linalg.lstsq(columns, mixed)[0]
        kept = weights > 1e-4
        if np.allclose(weights, GAMMA / 3, atol=1e-4):  # all are dropped
            kept = ~kept
        else:
            share = shares * kept / shares[kept].sum()
            np.testing.assert_allclose(weights, GAMMA * share, atol=1e-4)
        seen.append(tuple(kept))
    assert len(set(seen)) == 8  # every set of kept layers
    assert np.mean(seen) == pytest.approx(0.7, abs=0.08)
    np.testing.assert_array_equal(layer(X), mix()(X))
