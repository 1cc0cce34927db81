"""One step of each recurrent cell and its derivative, for `components.fast_recurrence`.

Shapes, gates and equations are those of `components.recurrent_steps`.
`forward`: (product, recurrent, state, projection, options) -> the new state and what to keep of the
    step, `keeps` in float32 and in the products' precision what is projected, as "read".
`backward`: (the gradients of the new state, what was kept, the projection turned, options) -> the
    gradients of what went in.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from components.recurrent_steps import multiply


class Gradients(NamedTuple):
    """Of the two parts of the gates' sums, of each state apart from what it gets by the recurrent
    product, None for nothing, and of the projection's product.
    """

    product: Any
    recurrent: Any
    state: list
    projected: Any = None


def sigmoid_gradient(y, gradient):
    """The gradient of z, where y = sigmoid(z), in one operation."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=gradient)


def tanh_gradient(y, gradient):
    return tf.raw_ops.TanhGrad(y=y, dy=gradient)


def within(clipped, limit, gradient):
    """The gradient before a clip: none where it cut."""
    return gradient if limit is None else tf.where(tf.abs(clipped) < limit, gradient, 0.0)


def clip(x, limit):
    return x if limit is None else tf.clip_by_value(x, -limit, limit)


class LSTM:
    @staticmethod
    def keeps(options):
        names = ["i", "f", "g", "o", "before", "squashed"]
        names += ["c"] if options.cell_clip is not None else []
        return names + (["h"] if options.projection is not None else [])

    @staticmethod
    def forward(product, recurrent, state, projection, options):
        i, f, g, o = tf.split(product + recurrent, 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = clip(f * state[1] + i * g, options.cell_clip)
        squashed = tf.tanh(c)
        kept = {"i": i, "f": f, "g": g, "o": o, "before": state[1], "squashed": squashed}
        if options.cell_clip is not None:
            kept["c"] = c
        h = o * squashed
        if projection is not None:
            kept["read"] = tf.cast(h, projection.dtype)
            h = clip(multiply(h, projection), options.projection_clip)
            kept["h"] = h
        return [h, c], kept

    @staticmethod
    def backward(gradients, kept, turned, options):
        dh, dc = gradients
        projected = None
        if turned is not None:
            projected = within(kept["h"], options.projection_clip, dh)
            dh = multiply(projected, turned)
        dc += tanh_gradient(kept["squashed"], dh * kept["o"])
        if options.cell_clip is not None:
            dc = within(kept["c"], options.cell_clip, dc)
        parts = [
            sigmoid_gradient(kept["i"], dc * kept["g"]),
            sigmoid_gradient(kept["f"], dc * kept["before"]),
            tanh_gradient(kept["g"], dc * kept["i"]),
            sigmoid_gradient(kept["o"], dh * kept["squashed"]),
        ]
        dz = tf.concat(parts, axis=1)
        return Gradients(dz, dz, [None, dc * kept["f"]], projected)


class GRU:
    @staticmethod
    def keeps(options):
        return ["z", "r", "g", "inner", "before"]

    @staticmethod
    def forward(product, recurrent, state, projection, options):
        product_z, product_r, product_g = tf.split(product, 3, axis=1)
        recurrent_z, recurrent_r, recurrent_g = tf.split(recurrent, 3, axis=1)
        z, r = tf.sigmoid(product_z + recurrent_z), tf.sigmoid(product_r + recurrent_r)
        g = tf.tanh(product_g + r * recurrent_g)
        kept = {"z": z, "r": r, "g": g, "inner": recurrent_g, "before": state[0]}
        return [g + z * (state[0] - g)], kept

    @staticmethod
    def backward(gradients, kept, turned, options):
        (dh,) = gradients
        through = dh * kept["z"]
        dz = sigmoid_gradient(kept["z"], dh * (kept["before"] - kept["g"]))
        dg = tanh_gradient(kept["g"], dh - through)
        dr = sigmoid_gradient(kept["r"], dg * kept["inner"])
        product = tf.concat([dz, dr, dg], axis=1)
        return Gradients(product, tf.concat([dz, dr, dg * kept["r"]], axis=1), [through])


class RNN:
    @staticmethod
    def keeps(options):
        return ["h"]

    @staticmethod
    def forward(product, recurrent, state, projection, options):
        z = product + recurrent
        h = tf.nn.relu(z) if options.activation == "relu" else tf.tanh(z)
        return [h], {"h": h}

    @staticmethod
    def backward(gradients, kept, turned, options):
        (dh,) = gradients
        if options.activation == "relu":
            dz = tf.raw_ops.ReluGrad(gradients=dh, features=kept["h"])
        else:
            dz = tanh_gradient(kept["h"], dh)
        return Gradients(dz, dz, [None])


CELLS: dict[str, Any] = {"lstm": LSTM, "gru": GRU, "rnn": RNN}
