"""Whole texts, read in chunks: what a classifier is told of a text that is too long to train on."""

import keras
from keras import ops

from components.pooling import largest, last, mean


def features(encoder, x, mask=None, window=70, training=None):
    """The last, the largest and the mean of an encoder's outputs over a text, side by side.

    Each chunk of `window` tokens starts from the state that the one before ended with. Values pass
    this border, gradients do not; they go to the chunks whose outputs made the pooled values, and
    to their beginnings, no further (BPT3C). On TensorFlow a training step has the activations of
    one chunk in memory, elsewhere those of all.

    Args: encoder, with `draw` and `read` as `components.awd_lstm.AwdLstm`; x (B, T, D); mask (B, T)
        bool, right padded, or None; window.
    Returns: (B, 3 * width), 0 for a text of no tokens.
    Source: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.3.
    """
    mask = ops.ones(ops.shape(x)[:2], "bool") if mask is None else mask
    drawn = encoder.draw(ops.shape(x)[0], training)
    if keras.backend.backend() == "tensorflow":
        from components import fast_chunked_reading

        return fast_chunked_reading.features(encoder, x, drawn, mask, window, training)
    return portable(encoder, x, drawn, mask, window, training)


def portable(encoder, x, drawn, mask, window, training=None):
    """`features` on any backend, with what was drawn."""
    rows, length, width = ops.shape(x)
    window = ops.minimum(window, ops.maximum(length, 1))
    number = ops.maximum((length + window - 1) // window, 1)
    filled = [[0, 0], [0, number * window - length]]
    # One tensor, because on TensorFlow `ops.scan` refuses several of unknown length.
    both = ops.concatenate([x, ops.cast(mask[..., None], x.dtype)], axis=-1)
    both = ops.reshape(ops.pad(both, [*filled, [0, 0]]), (rows, number, window, width + 1))

    def body(carried, chunk):
        state = [ops.stop_gradient(s) for s in carried[1:]]
        real = chunk[..., -1] > 0
        outputs, state = encoder.read(chunk[..., :-1], drawn, real, state, training=training)
        # What a step gives out must have the form of what is carried.
        return [outputs, *state], [outputs, *state]

    first = [ops.zeros((rows, window, encoder.width), encoder.compute_dtype)]
    first += [ops.zeros((rows, units)) for units in encoder.state_widths]
    outputs = ops.scan(body, first, ops.swapaxes(both, 0, 1))[1][0]  # (N, B, window, width)
    outputs = ops.reshape(ops.swapaxes(outputs, 0, 1), (rows, number * window, encoder.width))
    mask = ops.pad(mask, filled)
    return ops.concatenate([pool(outputs, mask) for pool in (last, largest, mean)], axis=-1)
