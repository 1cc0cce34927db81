"""The head is a dense layer, its dropout drops, and its norms stay within the limit."""

import keras
import numpy as np

from components.constraints import ColumnNorm
from components.heads import LinearHead

X = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)


def test_scores_are_a_matrix_product():
    head = LinearHead(3, seed=1)
    head.build(X.shape)
    bias = np.array([1.0, 2.0, 3.0])
    head.project.bias.assign(bias)
    np.testing.assert_allclose(head(X), X @ head.project.kernel.numpy() + bias, atol=1e-5)


def test_dropout_acts_in_training_alone_and_keeps_the_mean():
    head = LinearHead(1, dropout=0.5, seed=1)
    ones = np.ones((20_000, 6), np.float32)
    head(ones[:1])
    head.project.kernel.assign(np.ones((6, 1)))
    np.testing.assert_allclose(head(ones), 6.0)
    dropped = np.asarray(head(ones, training=True))[:, 0]
    assert set(dropped) == {0, 2, 4, 6, 8, 10, 12}
    assert abs(dropped.mean() - 6) < 0.1


def test_only_longer_columns_are_scaled_to_the_limit():
    weights = np.array([[3, 0.1, 0], [4, 0.2, 0]], np.float32)  # norms 5, 0.22, 0
    got = np.asarray(ColumnNorm(3.0)(keras.ops.convert_to_tensor(weights)))
    np.testing.assert_allclose(got[:, 0], [1.8, 2.4], rtol=1e-6)
    np.testing.assert_array_equal(got[:, 1:], weights[:, 1:])


def test_the_optimizer_holds_the_limit_after_every_step():
    head = LinearHead(3, dropout=0.0, max_norm=0.5)
    model = keras.Sequential([keras.Input((6,)), head])
    model.compile(keras.optimizers.SGD(10.0), "mse")
    for _ in range(3):
        model.train_on_batch(X, np.full((4, 3), 9.0))
        assert np.linalg.norm(head.project.kernel.numpy(), axis=0).max() <= 0.5 + 1e-6
    assert LinearHead(3, max_norm=None).project.kernel_constraint is None
