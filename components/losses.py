"""Losses of one example each, from raw logits, in float32; averaging is the training loop's."""

from keras import ops


def softmax_cross_entropy(logits, labels, smoothing=0.0):
    """-log of the right class's probability, against targets moved towards the uniform.

    (B, C) logits and (B,) int labels -> (B,). With smoothing e the target of the right class is
    1 - e + e / C and that of every other one e / C.
    Source: Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.
    """
    log_probabilities = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    right = ops.take_along_axis(log_probabilities, ops.cast(labels, "int32")[:, None], axis=-1)
    loss = -ops.squeeze(right, -1)
    if smoothing:
        loss = (1.0 - smoothing) * loss - smoothing * ops.mean(log_probabilities, axis=-1)
    return loss


def sigmoid_cross_entropy(logits, present):
    """-log probability of each label's presence or absence, averaged over the labels.

    (B, C) logits and (B, C) zeros and ones -> (B,).
    """
    logits = ops.cast(logits, "float32")
    # log(1 + exp(x)) - present * x: no probability is formed, so none is ever rounded to 0 or 1.
    return ops.mean(ops.softplus(logits) - ops.cast(present, "float32") * logits, axis=-1)


def squared_error(logits, values):
    """(B, 1) predictions and (B,) float values -> (B,)."""
    return ops.square(ops.cast(logits, "float32")[:, 0] - ops.cast(values, "float32"))


def mean_of_words(losses, mask):
    """(B, T) losses of words, and which of them there are -> (B,) means; 0 for a row of none."""
    mask = ops.cast(mask, losses.dtype)
    return ops.sum(losses * mask, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1)
