"""Models of a text, of a pair of texts, of each word of a text, of a question: pieces, joined.

The inputs of a text are `ids` (B, T) int32, 0 where there is no token, and what else its token
vectors are made of; those of a pair's second text have the same names after `second_`. No answer
depends on the padding.
"""

import keras
from keras import ops


class Reader:
    """From the inputs of a text to the encoded vectors of its tokens.

    Args: vectors, [(name of an input, its shape for one token, its dtype, the layer that makes
        (B, T, D) of it)], the first one of `ids`; encode, (vectors, mask=) -> (B, T, E), None for
        the vectors as they are.
    """

    def __init__(self, vectors, encode=None):
        self.vectors, self.encode = vectors, encode

    def __call__(self, prefix=""):
        """Make inputs whose names begin with `prefix` and read them: inputs, (B, T, E), mask."""
        inputs = {
            name: keras.Input((None, *shape), dtype=dtype, name=prefix + name)
            for name, shape, dtype, _ in self.vectors
        }
        mask = ops.not_equal(inputs["ids"], 0)
        found = [layer(inputs[name]) for name, _, _, layer in self.vectors]
        x = ops.concatenate(found, axis=-1) if len(found) > 1 else found[0]
        if self.encode is not None:
            x = self.encode(x, mask=mask)
        return {prefix + name: value for name, value in inputs.items()}, x, mask


def text_classifier(read, pool, head, name):
    """One answer for a text.

    Call: the inputs of a text -> {"logits": (B, C) float32} and the extras of the pooling.
    Args: read, a Reader; pool, (x, mask=) -> (B, F) and a dict of extras, as in
        `components.pooling`; head, (B, F) to (B, C).
    """
    inputs, x, mask = read()
    features, extras = pool(x, mask=mask)
    return keras.Model(inputs, {"logits": head(features), **extras}, name=name)


def pair_classifier(read, pool, compare, head, name, cross=None):
    """One answer for two texts, both read with the same weights.

    Call: the inputs of both texts -> {"logits": (B, C) float32}, the extras of the first text's
        pooling under their names and of the second's after `second_`, and with `cross`
        "alignment" and "second_alignment", the weights of the other text's tokens.
    Args: as of `text_classifier`; compare, two (B, F) to (B, G); cross, None or as
        `components.pairs.CrossAttention`.
    """
    inputs, x, mask = read()
    second_inputs, second, second_mask = read("second_")
    aligned = {}
    if cross is not None:
        (x, second), found = cross(x, second, mask=mask, second_mask=second_mask)
        aligned = {key.replace("attention", "alignment"): value for key, value in found.items()}
    features, extras = pool(x, mask=mask)
    second_features, second_extras = pool(second, mask=second_mask)
    summed = {
        key: extras.pop(key) + second_extras.pop(key)
        for key in ("penalty", "log_probability")
        if key in extras
    }
    logits = head(compare(features, second_features))
    second_extras = {f"second_{key}": value for key, value in second_extras.items()}
    outputs = {"logits": logits, **summed, **extras, **second_extras, **aligned}
    return keras.Model({**inputs, **second_inputs}, outputs, name=name)


def tagger(read, head, name, starts=False):
    """One answer for each word of a text.

    Call: the inputs of a text and, with `starts`, `starts` (B, W) int32, the place of the first
        token of each word plus one, 0 where there is no word -> what the head gives.
    Args: read, a Reader; head, (B, W, E) -> a dict with "logits" (B, W, C) float32.
    """
    inputs, x, _ = read()
    if starts:
        places = inputs["starts"] = keras.Input((None,), dtype="int32", name="starts")
        x = ops.take_along_axis(x, ops.maximum(places - 1, 0)[..., None], axis=1)
    return keras.Model(inputs, head(x), name=name)


def span_reader(read, head, name):
    """Where the answer to a question stands in its context.

    Call: `ids` and `types` (B, T) int32 of `[CLS] question [SEP] context [SEP]`, types 1 after the
        first [SEP] -> what the head gives.
    Args: read, a Reader of both; head, (B, T, E) and a mask of the context -> a dict, as
        `components.span_head.SpanHead`.
    """
    inputs, x, _ = read()
    return keras.Model(inputs, head(x, mask=ops.equal(inputs["types"], 1)), name=name)
