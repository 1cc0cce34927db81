"""Locked dropout: one mask a text, of the right rate and scale, drawn from the seed."""

import numpy as np

from components.dropouts import LockedDropout

ONES = np.ones((40, 7, 50), np.float32)


def test_a_feature_is_dropped_throughout_a_text_or_not_at_all():
    dropped = np.asarray(LockedDropout(0.3, seed=1)(ONES, training=True))
    np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1], dropped.shape))
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 0.7], rtol=1e-6)
    # 2,000 draws: 0.3 within four standard errors.
    assert abs(np.mean(dropped == 0) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 2000)
    assert np.abs(dropped[0] - dropped[1]).max() > 0


def test_only_in_training_and_from_the_seed():
    np.testing.assert_array_equal(LockedDropout(0.3)(ONES), ONES)
    np.testing.assert_array_equal(LockedDropout(0.0)(ONES, training=True), ONES)
    first, again, other = (
        np.asarray(LockedDropout(0.3, seed)(ONES, training=True)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_half_precision():
    dropped = LockedDropout(0.3, dtype="mixed_bfloat16")(ONES, training=True)
    assert dropped.dtype.name == "bfloat16"
