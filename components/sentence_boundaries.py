"""The words that begin and end a sentence, which ELMo reads around each text."""

from keras import ops

from components.characters import SENTENCE_END, SENTENCE_START


def with_boundaries(characters):
    """(B, T, 50) characters of words, all 0 at padding -> (B, T + 2, 50).

    Source: https://github.com/allenai/bilm-tf, `UnicodeCharsVocabulary.encode_chars`.
    """
    one = ops.zeros_like(characters[:, :1])
    start, end = one + ops.array(SENTENCE_START, one.dtype), ops.array(SENTENCE_END, one.dtype)
    x = ops.concatenate([start, characters, one], axis=1)
    real = x[..., 0] > 0
    # The last real word is followed by the end, which the word before is to know.
    after = ops.logical_and(ops.pad(real, [[0, 0], [1, 0]])[:, :-1], ops.logical_not(real))
    return ops.where(after[..., None], end, x)


def without_boundaries(x, mask):
    """What belongs to the words: (B, T + 2, ...) of known rank and the words' mask -> (B, T, ...).

    The place of a shorter text's end becomes padding, which is 0.
    """
    x = x[:, 1:-1]
    keep = ops.cast(mask, x.dtype)
    return x * ops.expand_dims(keep, tuple(range(2, x.ndim)))
