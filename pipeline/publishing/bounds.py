"""Numbers that a request may hold: others get an error, not the answer to something else."""

import tensorflow as tf


def within(values: tf.Tensor, low: float, high: float, name: str) -> tf.Tensor:
    """`values`, which have to be in [low, high]: InvalidArgumentError names the input that is not.

    Without this a negative token id would count from the vocabulary's end, and NaN pass for 0.
    """
    message = f"{name}: every value has to be in {low:g} to {high:g}"
    checks = [
        tf.debugging.assert_greater_equal(values, tf.cast(low, values.dtype), message),
        tf.debugging.assert_less_equal(values, tf.cast(high, values.dtype), message),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(values)
