"""Sines and cosines by the formula, number by number."""

import math

import numpy as np
import pytest

from components.positions import sinusoids


def test_sinusoids_are_the_formula():
    width, positions = 6, np.array([[0, 1, 2], [7, 0, 500]])
    found = sinusoids(positions, width)
    assert found.shape == (2, 3, width)
    for row, column in np.ndindex(2, 3):
        position = positions[row, column]
        for i in range(width // 2):
            angle = position / 10000 ** (2 * i / width)
            expected = [math.sin(angle), math.cos(angle)]
            np.testing.assert_allclose(found[row, column, 2 * i : 2 * i + 2], expected, atol=3e-5)


def test_a_step_is_a_rotation_wherever_it_is_taken():
    """PE(p + k) is a linear function of PE(p), Vaswani et al. 2017, section 3.5."""
    table = np.asarray(sinusoids(np.arange(12), 2))
    turn = np.array([[math.cos(3), -math.sin(3)], [math.sin(3), math.cos(3)]])
    np.testing.assert_allclose(table[3:], table[:-3] @ turn, atol=1e-6)


def test_an_odd_width_is_refused():
    with pytest.raises(ValueError, match="Received: an odd width, 5"):
        sinusoids(np.arange(3), 5)
