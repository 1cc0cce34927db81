"""The steps of a recurrent layer by Keras's own layers, which call cuDNN on NVIDIA GPUs."""

import keras
import tensorflow as tf


def has_gpu():
    return bool(tf.config.list_logical_devices("GPU"))


def suits(options, dropped, keep):
    """Whether cuDNN can do what is asked, in a precision that its operation has everywhere."""
    plain = (options.projection, options.cell_clip, dropped, keep) == (None,) * 4
    return plain and options.cell != "rnn" and options.compute_dtype in ("float32", "float16")


def run(x, state, weights, dropped, real, keep, options, training):
    """As `components.recurrent_steps.run`, for what `suits`."""
    layer = (keras.layers.GRU if options.cell == "gru" else keras.layers.LSTM)(
        options.units,
        return_sequences=True,
        return_state=True,
        go_backwards=options.backward,
        dtype=options.dtype_policy,
    )
    # The layer works with weights that it does not own: its `build` would make others.
    layer.cell.built = True
    layer.cell.kernel, layer.cell.recurrent_kernel = weights.kernel, weights.recurrent_kernel
    layer.cell.bias = weights.bias
    if weights.recurrent_bias is not None:
        second = tf.cast(weights.recurrent_bias, weights.bias.dtype)
        layer.cell.bias = tf.stack([weights.bias, second])
    mask = None
    if real is not None:
        mask = tf.transpose(real)
        # cuDNN refuses texts of no tokens: one is lent to them, and taken out again below.
        mask = tf.concat([tf.ones_like(mask[:, :1]), mask[:, 1:]], axis=1)
    given = [tf.cast(s, x.dtype) for s in state]
    outputs, *last = layer.call(tf.transpose(x, [1, 0, 2]), initial_state=given, mask=mask)
    outputs = tf.transpose(outputs, [1, 0, 2])
    if options.backward:
        outputs = tf.reverse(outputs, [0])
    last = [tf.cast(s, tf.float32) for s in last]
    if real is not None:
        outputs = tf.where(real[..., None], outputs, tf.zeros([], outputs.dtype))
        some = tf.reduce_any(real, axis=0)[:, None]
        last = [tf.where(some, new, old) for new, old in zip(last, state, strict=True)]
    return outputs, last
