"""The stack of LSTMs against layers put together by hand, and reading again what was drawn."""

import keras
import numpy as np
import pytest

from components.awd_lstm import AwdLstm
from components.recurrent import Recurrent

B, T, D, U, W = 4, 9, 5, 8, 6
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(B, T, D)).astype(np.float32)
MASK = np.arange(T) < np.array([9, 1, 4, 0])[:, None]
FRESH = RANDOM.random((B, T)) < 0.3
DROPS = {"input_dropout": 0.3, "hidden_dropout": 0.2, "weight_dropout": 0.4}


def built(**options):
    layer = AwdLstm(U, W, num_layers=3, **options)
    layer.build((None, None, D))
    random = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape) * 0.5)
    return layer


def by_hand(layer, drawn, x, state, **masks):
    """The same weights, some dropped, in layers of their own; the inputs dropped before them."""
    last = []
    for n, (own, (weights, locked)) in enumerate(zip(layer.layers, drawn, strict=True)):
        x = np.asarray(x) * (1 if locked is None else np.asarray(locked))
        plain = Recurrent(own.units)
        plain.build((None, None, x.shape[-1]))
        plain.set_weights([weights.kernel, weights.recurrent_kernel, weights.bias])
        x, end = plain(x, state=state and state[2 * n : 2 * n + 2], **masks)
        last += end
    return x, last


@pytest.mark.parametrize("training", [False, True])
def test_layers_one_after_the_other(training):
    layer = built(seed=3, **DROPS)
    state = [RANDOM.normal(size=(B, width)).astype(np.float32) for width in layer.state_widths]
    drawn = layer.draw(B, training)
    masks = {"mask": MASK, "fresh": FRESH}
    found, last = layer.read(X, drawn, state=state, training=training, **masks)
    expected, ends = by_hand(layer, drawn, X, state, **masks)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for one, other in zip(last, ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert found.shape == (B, T, W)
    assert layer.state_widths == [U, U, U, U, W, W]


def test_what_is_drawn():
    layer = built(seed=3, **DROPS)
    drawn = layer.draw(200, training=True)
    for n, (weights, locked) in enumerate(drawn):
        rate, width = (0.3, D) if n == 0 else (0.2, U)
        assert locked.shape == (200, 1, width)
        kept = np.asarray(locked)
        assert np.mean(kept == 0) == pytest.approx(rate, abs=0.05)
        np.testing.assert_allclose(kept[kept > 0], 1 / (1 - rate), rtol=1e-6)
        whole = layer.layers[n].recurrent_kernel.numpy()
        kept = np.asarray(weights.recurrent_kernel) / whole
        assert np.mean(kept == 0) == pytest.approx(0.4, abs=0.12)
        np.testing.assert_allclose(kept[kept > 0], 1 / 0.6, rtol=1e-5)
        np.testing.assert_array_equal(weights.kernel, layer.layers[n].kernel)
        np.testing.assert_array_equal(weights.bias, layer.layers[n].bias)
    for (weights, locked), own in zip(layer.draw(B), layer.layers, strict=True):
        assert locked is None
        np.testing.assert_array_equal(weights.recurrent_kernel, own.recurrent_kernel)
    for old, new in zip(drawn, layer.draw(200, training=True), strict=True):
        assert (np.asarray(old.mask) != np.asarray(new.mask)).any()
        old, new = old.weights.recurrent_kernel, new.weights.recurrent_kernel
        assert (np.asarray(old) != np.asarray(new)).any()


def test_what_was_drawn_can_be_read_again():
    """Whole, and in two parts with the state carried on."""
    layer = built(**DROPS)
    drawn = layer.draw(B, training=True)
    whole, last = layer.read(X, drawn, training=True)
    again, _ = layer.read(X, drawn, training=True)
    np.testing.assert_array_equal(whole, again)
    first, state = layer.read(X[:, :4], drawn, training=True)
    second, ends = layer.read(X[:, 4:], drawn, state=state, training=True)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    for one, other in zip(last, ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_call_reads_what_it_draws():
    layer, same = built(seed=3, **DROPS), built(seed=3, **DROPS)
    found, _ = layer(X, mask=MASK, training=True)
    expected, _ = same.read(X, same.draw(B, True), mask=MASK, training=True)
    np.testing.assert_array_equal(found, expected)
    assert (np.asarray(layer(X, mask=MASK, training=True)[0]) != np.asarray(found)).any()


def test_first_weights_are_those_of_torch():
    """Uniform on 1 / sqrt(units), biases too."""
    layer = AwdLstm(100, 25, num_layers=2)
    layer.build((None, None, 25))
    for own, bound in zip(layer.layers, (0.1, 0.2), strict=True):
        for weight in own.get_weights():
            assert 0.95 * bound < np.abs(weight).max() <= bound
            assert np.std(weight) == pytest.approx(bound / 3**0.5, rel=0.1)


def test_groups_are_the_layers_from_the_lowest():
    layer = built()
    assert [[own.name for own in group] for group in layer.groups] == [
        ["layer_0"],
        ["layer_1"],
        ["layer_2"],
    ]
    inputs = keras.Input((None, D))
    model = keras.Model(inputs, AwdLstm(U, W, 2, name="encoder")(inputs)[0])
    assert [weight.path for weight in model.weights] == [
        f"encoder/layer_{n}/{name}"
        for n in range(2)
        for name in ("kernel", "recurrent_kernel", "bias")
    ]
