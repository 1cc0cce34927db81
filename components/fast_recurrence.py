"""The loop of a recurrent layer with its derivative written out, for TensorFlow on CPUs.

TensorFlow's own derivative of a loop multiplies for the weights' gradients at every step, with
tensors that it keeps for each operation. Here the loop back only follows the states, and all
gradients of weights are one product after it. Kernels are turned round before the loop rather than
in every product of it. `components.recurrent_steps` holds the portable way; tests hold them equal.
"""

import tensorflow as tf

from components.fast_cells import CELLS
from components.recurrent_steps import Weights, multiply


def run(x, state, weights, dropped, real, keep, options, training):
    """As `components.recurrent_steps.run`, to the same numbers."""
    if training:
        outputs, *last = differentiable(x, state, weights, dropped, real, keep, options)
    else:
        # Nothing is kept for a way back: a SavedModel could not hold it. A derivative that is
        # wanted all the same is TensorFlow's own.
        loop = Loop(state, weights, dropped, real, keep, options)
        outputs, last, _ = loop.forward(x, keeping=False)
    if real is not None:
        outputs = tf.where(real[..., None], outputs, tf.zeros([], outputs.dtype))
    return outputs, last


def differentiable(x, state, weights, dropped, real, keep, options):
    """The outputs, unmasked, and the last state. Masks come from outside: they get no gradients."""
    places = [place for place, weight in enumerate(weights) if weight is not None]

    @tf.custom_gradient
    def steps(x, *tensors):
        given = dict(zip(places, tensors[len(state) :], strict=True))
        own = Weights(*(given.get(place) for place in range(len(weights))))
        loop = Loop(list(tensors[: len(state)]), own, dropped, real, keep, options)
        outputs, last, kept = loop.forward(x)

        def gradient(d_outputs, *d_last):
            dx, d_state, d_weights = loop.backward(x, outputs, kept, d_outputs, d_last)
            return dx, *d_state, *(d_weights[place] for place in places)

        return (outputs, *last), gradient

    return steps(x, *state, *(weights[place] for place in places))


class Loop:
    """The steps of a cell there and back; the arguments are those of `run`."""

    def __init__(self, state, weights, dropped, real, keep, options):
        self.state, self.weights, self.options = state, weights, options
        self.dropped, self.real, self.keep = dropped, real, keep
        self.cell, self.dtype = CELLS[options.cell], weights.kernel.dtype

    def forward(self, x, keeping=True):
        """(T, B, D) -> (T, B, P or U) outputs h, before padding is zeroed, in the precision of the
        products, the last state, and by name the arrays of what each step keeps, if it is wanted.
        """
        weights = self.weights
        products = along_time(tf.nn.bias_add(rows(x) @ weights.kernel, weights.bias), x)

        def body(t, state):
            state = [self.begun(t, s) for s in state]
            recurrent = multiply(self.thinned(state[0]), weights.recurrent_kernel)
            if weights.recurrent_bias is not None:
                recurrent += weights.recurrent_bias
            product = tf.cast(products[t], tf.float32)
            new, kept = self.cell.forward(
                product, recurrent, state, weights.projection, self.options
            )
            new = [self.chosen(t, n, s) for n, s in zip(new, state, strict=True)]
            return new, {"outputs": tf.cast(new[0], self.dtype), **kept}

        low = ["outputs"] + ["read"] * (keeping and weights.projection is not None)
        full = self.cell.keeps(self.options) if keeping else ()
        last, kept = self.loop(x, self.options.backward, body, self.state, low, full)
        outputs = kept.pop("outputs").stack()
        return tf.ensure_shape(outputs, [*x.shape[:2], self.state[0].shape[1]]), last, kept

    def backward(self, x, outputs, kept, d_outputs, d_last):
        """The gradients of x, the first state and the weights."""
        weights, projection = self.weights, self.weights.projection
        turned = tf.transpose(weights.recurrent_kernel)
        turned_projection = None if projection is None else tf.transpose(projection)

        def body(t, after):
            late = [self.chosen(t, d, tf.zeros_like(d)) for d in after]
            late[0] += tf.cast(d_outputs[t], tf.float32)
            step = {name: array.read(t) for name, array in kept.items()}
            product, recurrent, before, projected = self.cell.backward(
                late, step, turned_projection, self.options
            )
            written = {"product": tf.cast(product, self.dtype)}
            if recurrent is not product:
                written["recurrent"] = tf.cast(recurrent, self.dtype)
            if projected is not None:
                written["projected"] = tf.cast(projected, self.dtype)
            dh = self.thinned(multiply(written.get("recurrent", written["product"]), turned))
            before = [dh if before[0] is None else dh + before[0], *before[1:]]
            before = [self.chosen(t, b, a) for b, a in zip(before, after, strict=True)]
            return [self.begun(t, b) for b in before], written

        names = ["product"] + ["recurrent"] * (weights.recurrent_bias is not None)
        names += ["projected"] * (projection is not None)
        d_state, written = self.loop(x, not self.options.backward, body, list(d_last), names)
        written = {name: array.stack() for name, array in written.items()}
        product = rows(written["product"])
        recurrent = written.get("recurrent", written["product"])
        gradients = Weights(
            tf.matmul(rows(x), product, transpose_a=True),
            column_sums(product),
            self.recurrent_kernel_gradient(outputs, recurrent),
            tf.cast(column_sums(rows(recurrent)), tf.float32),
            None
            if projection is None
            else tf.matmul(
                rows(kept["read"].stack()), rows(written["projected"]), transpose_a=True
            ),
        )
        return along_time(product @ tf.transpose(weights.kernel), x), d_state, gradients

    def recurrent_kernel_gradient(self, outputs, gradients):
        """The product of what each step read of the step before and of its gates' gradient."""
        if self.options.backward:
            read, keep, rest = outputs[1:], slice(None, -1), gradients[:-1]
            first = -1
        else:
            read, keep, rest = outputs[:-1], slice(1, None), gradients[1:]
            first = 0
        start = self.state[0]
        if self.keep is not None:
            read = tf.where(self.keep[keep][..., None], read, tf.zeros([], read.dtype))
            start = tf.where(self.keep[first][:, None], start, 0.0)
        if self.dropped is not None:
            read = tf.cast(read, tf.float32) * self.dropped
        read, start = tf.cast(read, self.dtype), tf.cast(self.thinned(start), self.dtype)
        later = tf.matmul(rows(read), rows(rest), transpose_a=True)
        return later + tf.matmul(start, gradients[first], transpose_a=True)

    def loop(self, x, reverse, body, state, low, full=()):
        """All steps of `body`: (t, state) -> the next state and by name what to write at t.

        Names in `low` are written in the precision of the products, those in `full` in float32.
        """
        length = tf.shape(x)[0]
        types = dict.fromkeys(low, self.dtype) | dict.fromkeys(full, tf.float32)
        arrays = {
            name: tf.TensorArray(dtype, length, clear_after_read=False)
            for name, dtype in types.items()
        }

        def step(t, state, arrays):
            state, written = body(t, state)
            arrays = {name: array.write(t, written[name]) for name, array in arrays.items()}
            return (t - 1 if reverse else t + 1), state, arrays

        first = length - 1 if reverse else tf.constant(0)
        more = (lambda t, *_: t >= 0) if reverse else (lambda t, *_: t < length)
        return tf.while_loop(more, step, (first, state, arrays))[1:]

    def begun(self, t, state):
        """0 where a text begins. Masks of whole rows are fastest in the first form of Select."""
        if self.keep is None:
            return state
        return tf.raw_ops.Select(condition=self.keep[t], x=state, y=tf.zeros_like(state))

    def chosen(self, t, real, padding):
        if self.real is None:
            return real
        return tf.raw_ops.Select(condition=self.real[t], x=real, y=padding)

    def thinned(self, h):
        return h if self.dropped is None else h * self.dropped


def rows(x):
    """(T, B, ...) -> (T * B, ...)."""
    return tf.reshape(x, [-1, x.shape[-1]])


def along_time(x, like):
    """(T * B, N) -> (T, B, N), as `like`."""
    length, batch = tf.unstack(tf.shape(like)[:2])
    shaped = tf.reshape(x, [length, batch, x.shape[-1]])
    return tf.ensure_shape(shaped, [*like.shape[:2], x.shape[-1]])


def column_sums(x):
    """(N, M) -> (M,), as a product: it sums in float32 whatever the precision, and faster."""
    return tf.matmul(tf.ones([1, tf.shape(x)[0]], x.dtype), x)[0]
