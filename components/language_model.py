"""Language models: the inputs, states and losses around an encoder that carries its state."""

import keras
from keras import ops

from components.characters import LONGEST


def bidirectional_language_model(characters, encoder, softmax):
    """ELMo while it is pretrained: one model reads on, one reads back, over the same words.

    Inputs, of a window of T words in each of B running texts: `ids`, `targets` (the words after
    them) (B, T) int32, 0 where there is none, `characters` (B, T, 50), `fresh` (B, T) bool, true
    where a text begins; the same after `second_` of the texts turned round, with as many words in
    each row; and the states `state_0`, ... (B, U) that the window before ended with.
    Outputs: "losses" (B, T) float32, the mean of both directions, and the states.
    Args: characters, (B, T, 50) to (B, T, P); encoder, a `components.elmo.ElmoEncoder`; softmax,
        (B, T, P) and targets to (B, T) losses.
    Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 3.1.
    """
    inputs = {}
    for prefix in ("", "second_"):
        for name, shape, dtype in (
            ("ids", (None,), "int32"),
            ("targets", (None,), "int32"),
            ("characters", (None, LONGEST), "int32"),
            ("fresh", (None,), "bool"),
        ):
            inputs[prefix + name] = keras.Input(shape, dtype=dtype, name=prefix + name)
    del inputs["second_ids"]
    states = {
        f"state_{i}": keras.Input((width,), dtype="float32", name=f"state_{i}")
        for i, width in enumerate(encoder.state_widths)
    }
    layers, last = encoder(
        characters(inputs["characters"]),
        mask=ops.not_equal(inputs["ids"], 0),
        state=list(states.values()),
        second=characters(inputs["second_characters"]),
        fresh=inputs["fresh"],
        second_fresh=inputs["second_fresh"],
    )
    # One call for both directions, so that a sampled softmax draws once.
    hidden = ops.concatenate(ops.split(layers[:, :, -1], 2, axis=-1), axis=0)  # (2 B, T, P)
    targets = ops.concatenate([inputs["targets"], inputs["second_targets"]], axis=0)
    forward, backward = ops.split(softmax(hidden, targets), 2, axis=0)
    outputs = {"losses": (forward + backward) / 2, **dict(zip(states, last, strict=True))}
    return keras.Model({**inputs, **states}, outputs, name="elmo")
