"""The equations of one step of each cell, and the loop over time, for any Keras backend.

States and gates are float32 under every precision: a cell is a sum over all steps, and 8 bits of
mantissa lose the small terms of a long sum. Only the matrix products are in the kernels' precision.
"""

from collections.abc import Callable
from itertools import accumulate
from typing import Any, NamedTuple

from keras import ops


class Weights(NamedTuple):
    """What a cell multiplies and adds, the kernels in the precision of the products.

    kernel (D, G * U); bias (G * U,); recurrent_kernel (P or U, G * U); recurrent_bias (3 * U,)
    float32 of the GRU; projection (U, P) of an LSTM that has one. G gates: 4, 3 or 1.
    """

    kernel: Any
    bias: Any
    recurrent_kernel: Any
    recurrent_bias: Any = None
    projection: Any = None


def lstm_step(product, recurrent, h, c, projection, options):
    """One step of the LSTM, with a projection (LSTMP) if there is one.

    Sources: Gers et al. 2000, https://doi.org/10.1162/089976600300015015; projection: Sak et al.
    2014, https://arxiv.org/abs/1402.1128, equations 1-6 without peepholes; clips: as `LSTMCell` of
    TensorFlow 1, with which ELMo was trained.
    """
    i, f, g, o = ops.split(product + recurrent, 4, axis=-1)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    if options.cell_clip is not None:
        c = ops.clip(c, -options.cell_clip, options.cell_clip)
    h = ops.sigmoid(o) * ops.tanh(c)
    if projection is not None:
        h = multiply(h, projection)
        if options.projection_clip is not None:
            h = ops.clip(h, -options.projection_clip, options.projection_clip)
    return [h, c]


def gru_step(product, recurrent, h, projection, options):
    """One step of the GRU that resets after the product, as cuDNN and Keras have it.

    Source: Cho et al. 2014, https://arxiv.org/abs/1406.1078v1, the first version.
    """
    product_z, product_r, product_g = ops.split(product, 3, axis=-1)
    recurrent_z, recurrent_r, recurrent_g = ops.split(recurrent, 3, axis=-1)
    z = ops.sigmoid(product_z + recurrent_z)
    g = ops.tanh(product_g + ops.sigmoid(product_r + recurrent_r) * recurrent_g)
    return [z * h + (1 - z) * g]


def rnn_step(product, recurrent, h, projection, options):
    """One step of the plain network. Source: Elman 1990."""
    z = product + recurrent
    return [ops.relu(z) if options.activation == "relu" else ops.tanh(z)]


STEPS: dict[str, Callable] = {"lstm": lstm_step, "gru": gru_step, "rnn": rnn_step}


def multiply(h, kernel):
    return ops.cast(ops.matmul(ops.cast(h, kernel.dtype), kernel), "float32")


def run(x, state, weights, dropped, real, keep, options, training=False, push=None):
    """All steps of a cell.

    Args:
        x: (T, B, D) in the precision of the products.
        state: list of (B, P or U) float32, the first of it the output of the step before.
        weights: of the cell.
        dropped: (B, P or U), what the recurrent input is multiplied by at every step, or None.
        real: (T, B) bool, False where a step is padding, or None.
        keep: (T, B) bool, False where the state is forgotten before the step, or None.
        options: the layer.
        training: whether a derivative will be wanted, for the ways that prepare it.
        push: (T, B, P or U), what is added to each step's output, or None.

    Returns: (T, B, P or U) float32 outputs, 0 at padding, and the last state.
    """
    # One product for all steps: the loop is left with the part that waits for the step before.
    given = {"product": ops.matmul(x, weights.kernel) + weights.bias, "push": push}
    given |= {"real": None if real is None else real[..., None]}
    given |= {"keep": None if keep is None else keep[..., None]}
    # One tensor, because on TensorFlow `ops.scan` refuses several of unknown length.
    given = {name: ops.cast(x, "float32") for name, x in given.items() if x is not None}
    ends = list(accumulate(x.shape[-1] for x in given.values()))[:-1]

    def body(state, now):
        parts = ops.split(now, ends, axis=-1) if ends else [now]
        now = dict(zip(given, parts, strict=True))
        if keep is not None:
            state = [s * now["keep"] for s in state]
        read = state[0] if dropped is None else state[0] * dropped
        recurrent = multiply(read, weights.recurrent_kernel)
        if weights.recurrent_bias is not None:
            recurrent = recurrent + weights.recurrent_bias
        step = STEPS[options.cell]
        new = step(now["product"], recurrent, *state, weights.projection, options)
        if push is not None:
            new = [new[0] + now["push"], *new[1:]]
        out = new[0]
        if real is not None:
            here = now["real"] > 0
            new = [ops.where(here, n, s) for n, s in zip(new, state, strict=True)]
            out = ops.where(here, out, 0.0)
        # What a step gives out must have the form of the state.
        return new, [out, *new[1:]]

    packed = ops.concatenate(list(given.values()), axis=-1)
    state, outputs = ops.scan(body, state, packed, reverse=options.backward)
    return outputs[0], state
