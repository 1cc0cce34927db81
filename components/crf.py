"""A linear-chain conditional random field: one distribution over all tag sequences of a text.

    score(y) = first[y_1] + sum_t logits[t, y_t] + sum_t transitions[y_t, y_t+1] + last[y_n]
    p(y) = exp(score(y)) / Z,  Z = sum over all C^n sequences of exp(score)

Everywhere here: logits (B, T, C), one row a word; mask (B, T), true for words, which stand at the
left; transitions (C, C), from row to column; first, last (C,), of the tags at the ends. All is
computed in float32, and padding changes nothing. A text of no words has Z = 1.

Of the CRFs in registries none fits Keras 3: keras-hub has none, keras-crf 0.3.0 and tf2crf 0.1.33,
both of 2021, import tensorflow-addons, which ended with Keras 2.

Sources: Lafferty et al. 2001, Conditional Random Fields; Collobert et al. 2011,
https://arxiv.org/abs/1103.0398, section 3.3.2; Lample et al. 2016,
https://arxiv.org/abs/1603.01360, section 2.2.
"""

from keras import ops


def negative_log_likelihood(logits, mask, tags, transitions, first, last):
    """-ln p(tags), (B,): 0 for a text of no words. Args: tags, (B, T) int."""
    score = sequence_score(logits, mask, tags, transitions, first, last)
    return log_partition(logits, mask, transitions, first, last) - score


def sequence_score(logits, mask, tags, transitions, first, last):
    """The score of one tag sequence for each text, (B,). Args: tags, (B, T) int."""
    logits, transitions, first, last = _float32(logits, transitions, first, last)
    mask = ops.cast(mask, "float32")[..., None]
    # 1 at a word's tag, so that all scores are sums of products and no gradient is scattered.
    hot = ops.one_hot(ops.cast(tags, "int32"), logits.shape[-1], dtype="float32") * mask
    entered = ops.matmul(hot[:, :-1], transitions) * hot[:, 1:]
    scores = hot * (_zeroed(logits, mask) + last * _ends(mask))
    return (
        ops.sum(scores, axis=(1, 2))
        + ops.sum(entered, axis=(1, 2))
        + ops.sum(hot[:, 0] * first, axis=1)
    )


def log_partition(logits, mask, transitions, first, last):
    """ln Z, (B,).

    Its gradient in every parameter is how often that parameter is expected to count: the marginals
    of tags and of pairs of tags. They come from the same two sweeps as ln Z itself, so no gradient
    has to be traced back through the sweeps. Its second derivatives are not defined here.
    """
    logits, transitions, first, last = _float32(logits, transitions, first, last)
    mask = ops.cast(mask, "float32")[..., None]
    logits = _zeroed(logits, mask)
    fixed = [ops.stop_gradient(x) for x in (logits, transitions, first, last)]
    forward, backward, total = _sweeps(mask, *fixed)
    single = ops.softmax(forward + backward - fixed[0]) * mask
    pairs = forward[:, :-1, :, None] + fixed[1] + backward[:, 1:, None, :]  # (B, T - 1, C, C)
    pairs = ops.exp(pairs - ops.logsumexp(pairs, axis=(2, 3), keepdims=True))
    pairs = pairs * mask[:, 1:, :, None]
    # E[score], linear in the parameters; ln Z is that plus the entropy.
    expected = (
        ops.sum(single * (logits + last * _ends(mask)), axis=(1, 2))
        + ops.sum(ops.sum(pairs, axis=1) * transitions, axis=(1, 2))
        + ops.sum(single[:, 0] * first, axis=1)
    )
    return expected + ops.stop_gradient(total - expected)


def marginals(logits, mask, transitions, first, last):
    """The probability of each tag at each word, (B, T, C), over all sequences; 0 at padding."""
    logits, transitions, first, last = _float32(logits, transitions, first, last)
    mask = ops.cast(mask, "float32")[..., None]
    logits = _zeroed(logits, mask)
    forward, backward, _ = _sweeps(mask, logits, transitions, first, last)
    return ops.softmax(forward + backward - logits) * mask


def viterbi(logits, mask, transitions, first, last):
    """The sequence with the best score, (B, T) int32, 0 at padding; one of them if some tie."""
    logits, transitions, first, last = _float32(logits, transitions, first, last)
    mask = ops.cast(mask, "float32")[..., None]
    steps = ops.transpose(_zeroed(logits, mask), (1, 0, 2))
    best = _sweep(ops.max, steps, transitions, first)  # (T, B, C), of the sequences that end there

    def back(after, here):
        best, ends = here[:, :-1], here[:, -1:] > 0
        leave = ops.where(ends, last, ops.take(ops.transpose(transitions), after, axis=0))
        tag = ops.cast(ops.argmax(best + leave, axis=-1), "int32")
        return tag, tag

    # As one tensor, for Keras cannot scan over two of unknown length in TensorFlow.
    here = ops.concatenate([best, ops.transpose(_ends(mask), (1, 0, 2))], axis=-1)
    _, tags = ops.scan(back, ops.zeros_like(best[0, :, 0], dtype="int32"), here, reverse=True)
    return ops.transpose(tags) * ops.cast(mask[..., 0], "int32")


def _sweeps(mask, logits, transitions, first, last):
    """Log sums of exp(score) over what comes before and after: both (B, T, C), and ln Z, (B,).

    Both hold the logit of the word itself, and are known up to a number for each word. What they
    hold at padding means nothing.
    """
    length = ops.sum(ops.cast(mask, "int32"), axis=1)  # (B, 1)
    # A text read from its end is a text with its transitions transposed: one sweep does both.
    turn = ops.maximum(length - 1 - ops.arange(ops.shape(mask)[1]), 0)[..., None]  # (B, T, 1)
    both = ops.stack([logits, ops.take_along_axis(logits, turn, axis=1)])  # (2, B, T, C)
    swept = _sweep(
        ops.logsumexp,
        ops.transpose(both, (2, 0, 1, 3)),
        ops.stack([transitions, ops.transpose(transitions)])[:, None],
        ops.stack([first, last])[:, None],
    )
    forward, backward = ops.unstack(ops.transpose(swept, (1, 2, 0, 3)), num=2)
    backward = ops.take_along_axis(backward, turn, axis=1)
    taken_out = (ops.max(backward, axis=-1) * mask[..., 0])[:, 1:]
    total = ops.logsumexp(backward[:, 0] + first, axis=-1) + ops.sum(taken_out, axis=1)
    return forward, backward, ops.where(length[:, 0] > 0, total, 0.0)


def _sweep(reduce, steps, transitions, first):
    """What `reduce` makes of all sequences that end in a tag, (T, ..., C), of steps (T, ..., C).

    Before each step the maximum over the tags is taken out, so that what tells tags apart does not
    drown in the rounding of a long text's sum.
    """

    def step(before, here):
        before = before - ops.max(before, axis=-1, keepdims=True)
        after = reduce(before[..., None] + transitions, axis=-2) + here
        return after, after

    # One step too many, so that there is one: TensorFlow cannot stack none of unknown shape.
    start = first + steps[0]
    _, ends = ops.scan(step, start, ops.concatenate([steps[1:], steps[:1]]))
    return ops.concatenate([start[None], ends[:-1]])


def _ends(mask):
    """1 at the last word of each text, (B, T, 1)."""
    return mask - ops.pad(mask[:, 1:], [[0, 0], [0, 1], [0, 0]])


def _zeroed(logits, mask):
    # Not a product: what stands at padding must not matter even where it is infinite.
    return ops.where(mask > 0, logits, 0.0)


def _float32(*arrays):
    return [ops.cast(array, "float32") for array in arrays]
