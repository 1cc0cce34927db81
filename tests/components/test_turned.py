"""Texts turned round before their padding, ids and vectors alike."""

import numpy as np

from components.turned import turned


def test_turned():
    x = np.arange(12).reshape(2, 6)
    mask = np.array([[1, 1, 1, 1, 0, 0], [1] * 6], bool)
    np.testing.assert_array_equal(turned(x, mask), [[3, 2, 1, 0, 4, 5], [11, 10, 9, 8, 7, 6]])
    np.testing.assert_array_equal(turned(x[..., None], None)[:, ::-1, 0], x)
