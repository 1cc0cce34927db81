"""How an AWD-LSTM is trained: predict each word from those before it, with calm outputs."""

import keras
from keras import ops


def awd_language_model(words, encoder, drop, softmax, ar=0.0, tar=0.0):
    """Join the pieces into a model that reads a stream of texts, in windows.

    Call: {"ids" (B, T) int32, 0 where there is no word; "targets" (B, T) int32, the word that comes
        next in the stream; "fresh" (B, T) bool, where texts begin; "state_0", "state_1", ...: the
        states that the window before ended with, 0 at first} -> {"losses" (B, T) float32;
        "penalty" (B,) float32, of each row, if one is asked for; "hidden" (B, T, D), what the
        softmax reads; "state_0", ...}.
    Args: words, the `WordTable`; encoder, the `AwdLstm`; drop, dropout of its outputs; softmax,
        (B, T, D) and (B, T) targets to (B, T) losses, given the table of the words if it is tied;
        ar and tar, the weights of the penalties.
    Sources: Merity et al. 2017, https://arxiv.org/abs/1708.02182, section 4; the tying of the
        table, section 4.5: Press and Wolf 2017, https://arxiv.org/abs/1608.05859.
    """
    inputs = {
        name: keras.Input((None,), dtype=dtype, name=name)
        for name, dtype in (("ids", "int32"), ("targets", "int32"), ("fresh", "bool"))
    }
    states = {
        f"state_{n}": keras.Input((width,), name=f"state_{n}")
        for n, width in enumerate(encoder.state_widths)
    }
    mask = ops.not_equal(inputs["ids"], 0)
    vectors, table = words(inputs["ids"])
    raw, ends = encoder(vectors, mask=mask, state=list(states.values()), fresh=inputs["fresh"])
    hidden = drop(raw)
    tied = {"table": table} if softmax.tied else {}
    outputs = {"losses": softmax(hidden, inputs["targets"], **tied), "hidden": hidden}
    if ar or tar:
        penalty = ar * activation(hidden, mask) + tar * change(raw, mask, inputs["fresh"])
        outputs["penalty"] = penalty
    outputs |= dict(zip(states, ends, strict=True))
    return keras.Model({**inputs, **states}, outputs, name="awd_language_model")


def activation(hidden, mask):
    """The mean square of a row's outputs: (B, T, D), (B, T) -> (B,) float32.

    Source of both penalties: Merity et al. 2017, section 4.7, and Merity et al. 2017, Revisiting
    activation regularization, https://arxiv.org/abs/1708.01009; the means are those of the code.
    """
    return masked_mean(ops.square(ops.cast(hidden, "float32")), mask)


def change(raw, mask, fresh):
    """The mean square of what a row's outputs change by from word to word, within a text."""
    raw = ops.cast(raw, "float32")
    both = ops.logical_and(mask[:, 1:], mask[:, :-1])
    within = ops.logical_and(both, ops.logical_not(fresh[:, 1:]))
    # Rolled, not cut: the derivative of a slice is slow. The first word has none before it.
    within = ops.pad(within, ((0, 0), (1, 0)), constant_values=False)
    return masked_mean(ops.square(raw - ops.roll(raw, 1, axis=1)), within)


def masked_mean(x, mask):
    """Over time and features, 0 where nothing is counted: (B, T, D), (B, T) bool -> (B,)."""
    count = ops.cast(mask, x.dtype)
    return ops.sum(ops.mean(x, axis=-1) * count, axis=1) / ops.maximum(ops.sum(count, axis=1), 1.0)
