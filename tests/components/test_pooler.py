"""BERT's pooler, against its formula."""

import numpy as np

from components.pooler import Pooler


def test_the_first_token_goes_through_a_linear_layer_and_tanh():
    x = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
    pooler = Pooler(seed=1, name="pooler")
    pooler.build(x.shape)
    bias = np.arange(4, dtype=np.float32)
    kernel = np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)
    pooler.set_weights([kernel, bias])
    expected = np.tanh(x[:, 0].astype(float) @ kernel + bias)
    features, extras = pooler(x, mask=np.ones((3, 5), bool))
    np.testing.assert_allclose(features, expected, atol=1e-6)
    assert extras == {}
    assert [weight.path for weight in pooler.weights] == ["pooler/kernel", "pooler/bias"]


def test_first_weights_are_berts():
    pooler = Pooler(seed=1)
    pooler.build((None, None, 192))
    kernel = np.asarray(pooler.kernel)
    assert np.abs(kernel).max() <= 0.08
    assert 0.03 < kernel.std() < 0.04
    assert not np.asarray(pooler.bias).any()
