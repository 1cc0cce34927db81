"""Scaled dot-product attention, and who may look at whom."""

from functools import reduce

from keras import ops

from components.attention_scores import LOWEST, masked_softmax
from components.dropouts import dropped


def dot_product_attention(query, keys, values, bias=None, dropout=0.0, generator=None):
    """softmax(Q K^T / sqrt(K) + bias) V, for each head of each text.

    Weights are float32 under every precision. A query that may look at nothing gets the mean of all
    values: finite, and the caller's to throw away.

    Call: (B, H, Q, K) query, (B, H, T, K) keys, (B, H, T, K) values and a bias that broadcasts to
        (B, H, Q, T), see `attention_bias` -> (B, H, Q, K) contexts, and the (B, H, Q, T) weights
        before dropout.
    Args: dropout, rate of the weights that the mean does without; generator, of that.
    Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.2.1; dropout of the
        weights: their code, https://github.com/tensorflow/tensor2tensor, and BERT's.
    """
    query = query * query.shape[-1] ** -0.5
    scores = ops.matmul(query, ops.transpose(keys, (0, 1, 3, 2)))
    scores = ops.cast(scores, "float32")
    weights = masked_softmax(scores if bias is None else scores + bias)
    used = dropped(ops.cast(weights, values.dtype), dropout, generator)
    return ops.matmul(used, values), weights


def visible_tokens(length, mask=None, segments=None, causal=False):
    """Which tokens, on the last axis, each token of a text may look at; None for all.

    Args: length, T; mask (B, T), no padding; segments (B, T), none but those of the same number;
        causal, none that come later.
    Returns: bool that broadcasts to (B, H, T, T), or None.
    """
    rules = []
    if mask is not None:
        rules.append(mask[:, None, None])
    if segments is not None:
        rules.append(segments[:, None, :, None] == segments[:, None, None])
    if causal:
        place = ops.arange(length)
        rules.append((place[:, None] >= place)[None, None])
    return reduce(ops.logical_and, rules) if rules else None


def attention_bias(visible, rows):
    """0 where a token may be looked at and -1e30 where not, (B, 1, T or 1, T) float32, or None.

    Made once for all layers: adding it is cheaper than choosing between two tensors. Each of the B
    rows has its own, even where all are alike: on CPUs TensorFlow joins the addition to the product
    before it, and that takes a hundred times as long with one for all rows.

    Args: visible, bool that broadcasts to (B, 1, T, T), or None for all; rows, B.
    """
    if visible is None:
        return None
    bias = ops.where(visible, 0.0, LOWEST)
    return ops.broadcast_to(bias, (rows, *ops.shape(bias)[1:]))
