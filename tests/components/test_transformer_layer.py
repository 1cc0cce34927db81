"""A layer against PyTorch's, and its two norms against each other."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from components.dot_product_attention import attention_bias, visible_tokens
from components.transformer_layer import TransformerLayer

D, INNER, HEADS = 8, 12, 2
LENGTHS, MEMORY_LENGTHS = (5, 3, 1), (1, 4, 2)
MASK = np.arange(5) < np.array(LENGTHS)[:, None]
MEMORY_MASK = np.arange(4) < np.array(MEMORY_LENGTHS)[:, None]
RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(3, 5, D))
MEMORY = RANDOM.normal(size=(3, 4, D))


def made(**options):
    """Without dropout; weights drawn in the order of their names, of standard deviation 1/2."""
    settings = {"dropout": 0.0, "attention_dropout": 0.0, "epsilon": 1e-5}
    layer = TransformerLayer(HEADS, INNER, **settings | options, name="layer")
    x = keras.Input((None, D))
    keras.Model(x, layer(x, memory=x)[0])
    random = np.random.default_rng(3)
    for weight in sorted(layer.weights, key=lambda weight: weight.path):
        weight.assign(random.normal(size=weight.shape) / 2)
    return layer


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("activation", ["gelu", "relu", "gelu_tanh"])
@pytest.mark.parametrize("training", [False, True])
def test_it_is_pytorchs(norm, activation, training):
    """The numbers are PyTorch 2.13's, in float64, of the weights above, kernels transposed:

        more = {"dim_feedforward": 12, "dropout": 0.0, "batch_first": True, "norm_first": pre}
        TransformerEncoderLayer(8, 2, activation=activation, **more)(x, src_key_padding_mask=~MASK)

    "gelu" and "relu" in training mode, which takes no fast path; with the approximate GELU

        TransformerDecoderLayer(8, 2, activation=partial(gelu, approximate="tanh"), **more)(
            x, memory, tgt_mask=later, tgt_key_padding_mask=~MASK,
            memory_key_padding_mask=~MEMORY_MASK)
    """
    decodes = activation == "gelu_tanh"
    expected = json.loads(Path(__file__).with_name("transformer_layer.json").read_bytes())
    expected = expected[f"{norm}_{'decoder' if decodes else activation}"]
    layer = made(norm=norm, activation=activation, cross=decodes)
    visible = visible_tokens(5, MASK, causal=decodes)
    memory = {"memory": MEMORY, "memory_bias": attention_bias(MEMORY_MASK[:, None, None], 3)}
    memory = memory if decodes else {}
    found, more = layer(X, attention_bias(visible, 3), **memory, training=training)
    assert more == {}
    for text, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(text[: len(wanted)], wanted, atol=2e-5)


def test_what_is_asked_for():
    layer = made(cross=True)
    _, more = layer(X, memory=MEMORY, return_weights=True)
    assert {name: weights.shape for name, weights in more.items()} == {
        "weights": (3, HEADS, 5, 5),
        "cross_weights": (3, HEADS, 5, 4),
    }


def test_each_dropout_drops_in_training_only():
    plain = made()(X)[0]
    np.testing.assert_allclose(made()(X, training=True)[0], plain, atol=1e-6)
    for rates in ({"dropout": 0.3}, {"attention_dropout": 0.3}):
        layer = made(**rates)
        np.testing.assert_array_equal(layer(X)[0], plain)
        assert np.abs(layer(X, training=True)[0] - plain).max() > 0.1


def test_dropout_is_of_what_is_added():
    """Pre-norm, with linear layers that make 1: x + 1 where nothing was dropped, and once each."""
    layer = TransformerLayer(1, 4, norm="pre", dropout=0.5, attention_dropout=0.0)
    x = np.zeros((50, 7, 16), np.float32)
    layer.build(x.shape)
    for weight in layer.weights:
        ends = ("output_bias", "outer/bias")
        weight.assign(np.full(weight.shape, float(weight.path.endswith(ends))))
    found = np.asarray(layer(x, training=True)[0])
    shares = [np.mean(found == number) for number in (0, 2, 4)]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.03)


def test_other_kinds_are_refused():
    with pytest.raises(ValueError, match="Received: 'swish'"):
        TransformerLayer(2, 8, activation="swish")
    with pytest.raises(ValueError, match="Received: 'middle'"):
        TransformerLayer(2, 8, norm="middle")
