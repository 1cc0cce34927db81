"""How ELMo is trained: predict each word from those before it, and from those behind it."""

import keras
from keras import ops

from components.characters import LONGEST


def elmo_language_model(words, encoder, softmax):
    """Join the pieces into a model that reads two streams of texts, in windows.

    The second stream holds texts from their last word to their first. Both directions share the
    words' vectors and the softmax; nothing else.

    Call: {"characters", "second_characters": (B, T, 50) int32; "targets", "second_targets": (B, T)
        int32, the word that comes next in the stream; "fresh", "second_fresh": (B, T) bool, where
        texts begin; "state_0", "state_1", ...: (B, P or U), the states that the window before
        ended with, 0 at first} -> {"losses": (B, T) float32, the mean of both directions;
        "state_0", ...}.
    Args: words, (B, T, 50) ids to (B, T, P); encoder, the `ElmoEncoder`; softmax, (B, T, P) and
        (B, T) targets to (B, T) losses.
    Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 3.1; dropout before the
        softmax: its code, https://github.com/allenai/bilm-tf, `LanguageModel`.
    """
    inputs = {
        prefix + name: keras.Input(shape, dtype=dtype, name=prefix + name)
        for prefix in ("", "second_")
        for name, shape, dtype in (
            ("characters", (None, LONGEST), "int32"),
            ("targets", (None,), "int32"),
            ("fresh", (None,), "bool"),
        )
    }
    states = {
        f"state_{n}": keras.Input((width,), name=f"state_{n}")
        for n, width in enumerate(encoder.state_widths)
    }
    # The streams are spelled, and go through the softmax, as one batch: a word that is in both is
    # computed once, and sampled words serve both.
    spelled = words(ops.concatenate([inputs["characters"], inputs["second_characters"]], axis=0))
    first, second = ops.split(spelled, 2, axis=0)
    layers, ends = encoder(
        first,
        state=list(states.values()),
        second=second,
        fresh=inputs["fresh"],
        second_fresh=inputs["second_fresh"],
    )
    hidden = ops.concatenate(ops.split(layers[:, :, -1], 2, axis=-1), axis=0)  # (2 B, T, P)
    targets = ops.concatenate([inputs["targets"], inputs["second_targets"]], axis=0)
    drop = keras.layers.Dropout(
        encoder.dropout, seed=encoder.seed + 99, dtype=encoder.dtype_policy, name="drop"
    )
    forward, backward = ops.split(softmax(drop(hidden), targets), 2, axis=0)
    outputs = {"losses": (forward + backward) / 2, **dict(zip(states, ends, strict=True))}
    return keras.Model({**inputs, **states}, outputs, name="elmo_language_model")
