"""Where a token stands, as a vector of sines and cosines."""

from keras import ops


def sinusoids(positions, width):
    """sin(p / 10000^(2i/D)) at 2i and cos(p / 10000^(2i/D)) at 2i + 1, for i from 0 to D/2 - 1.

    int (...) positions -> (..., D) float32. Any position has a vector, however long the text.

    Raises: ValueError for an odd width.
    Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.5.
    """
    if width % 2:
        raise ValueError(f"sines and cosines come in pairs. Received: an odd width, {width}")
    rates = 10000.0 ** (-2.0 * ops.arange(width // 2, dtype="float32") / width)
    angles = ops.cast(positions, "float32")[..., None] * rates
    waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
    return ops.reshape(waves, (*ops.shape(positions), width))
