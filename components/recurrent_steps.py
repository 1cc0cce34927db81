"""The equations of one step of each cell, and the loop over time, for any Keras backend.

States and gates are float32 under every precision: a cell is a sum over all steps, and 8 bits of
mantissa lose the small terms of a long sum. Only the matrix products are in the kernels' precision.
"""

from itertools import accumulate

from keras import ops


def lstm_step(product, h, c, kernel, bias, projection, dropped, options):
    """One step of the LSTM, with a projection (LSTMP) if there is one.

    Sources: Gers et al. 2000, https://doi.org/10.1162/089976600300015015; projection: Sak et al.
    2014, https://arxiv.org/abs/1402.1128, equations 1-6 without peepholes; clips: as `LSTMCell` of
    TensorFlow 1, with which ELMo was trained.
    """
    z = product + multiply(h if dropped is None else h * dropped, kernel)
    i, f, g, o = ops.split(z, 4, axis=-1)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    if options.cell_clip is not None:
        c = ops.clip(c, -options.cell_clip, options.cell_clip)
    h = ops.sigmoid(o) * ops.tanh(c)
    if projection is not None:
        h = multiply(h, projection)
        if options.projection_clip is not None:
            h = ops.clip(h, -options.projection_clip, options.projection_clip)
    return [h, c]


def gru_step(product, h, kernel, bias, projection, dropped, options):
    """One step of the GRU that resets after the product, as cuDNN and Keras have it.

    Source: Cho et al. 2014, https://arxiv.org/abs/1406.1078v1, the first version.
    """
    recurrent = multiply(h if dropped is None else h * dropped, kernel) + bias
    product_z, product_r, product_g = ops.split(product, 3, axis=-1)
    recurrent_z, recurrent_r, recurrent_g = ops.split(recurrent, 3, axis=-1)
    z = ops.sigmoid(product_z + recurrent_z)
    g = ops.tanh(product_g + ops.sigmoid(product_r + recurrent_r) * recurrent_g)
    return [z * h + (1 - z) * g]


def rnn_step(product, h, kernel, bias, projection, dropped, options):
    """One step of the plain network. Source: Elman 1990."""
    z = product + multiply(h if dropped is None else h * dropped, kernel)
    return [ops.relu(z) if options.activation == "relu" else ops.tanh(z)]


STEPS = {"lstm": lstm_step, "gru": gru_step, "rnn": rnn_step}


def multiply(h, kernel):
    return ops.cast(ops.matmul(ops.cast(h, kernel.dtype), kernel), "float32")


def run(products, state, kernel, bias, projection, dropped, real, keep, options, push=None):
    """All steps of a cell.

    Args:
        products: (T, B, G * U) the inputs' part of the gates' sums.
        state: list of (B, P or U), the first of it the output of the step before.
        kernel, bias, projection: (P or U, G * U), of the GRU (3 * U,), and (U, P) or None.
        dropped: (B, P or U), what the recurrent input is multiplied by at every step, or None.
        real: (T, B, 1) bool, False where a step is padding, or None.
        keep: (T, B, 1) float, 0 where the state is forgotten before the step, or None.
        options: the layer.
        push: (T, B, P or U), what is added to each step's output, or None.

    Returns: (T, B, P or U) outputs, 0 at padding, and the last state.
    """
    step = STEPS[options.cell]
    # One tensor, because on TensorFlow `ops.scan` refuses several of unknown length.
    given = {"product": products, "real": real, "keep": keep, "push": push}
    given = {name: ops.cast(x, "float32") for name, x in given.items() if x is not None}
    ends = list(accumulate(x.shape[-1] for x in given.values()))[:-1]

    def body(state, now):
        parts = ops.split(now, ends, axis=-1) if ends else [now]
        now = dict(zip(given, parts, strict=True))
        if keep is not None:
            state = [s * now["keep"] for s in state]
        new = step(now["product"], *state, kernel, bias, projection, dropped, options)
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
