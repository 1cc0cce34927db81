"""Contextual word vectors from a pretrained ELMo, for the models that read texts with them."""

from keras import ops

from components.sentence_boundaries import with_boundaries, without_boundaries


def layers_of(characters, words, encoder):
    """What each of ELMo's layers says of each word: (B, T, 50) -> (B, T, L + 1, 2 P).

    A text is read as a sentence, between the words that begin and end one; 0 at padding.
    Args: words, the `CharacterCNN`; encoder, the `ElmoEncoder`.
    """
    mask = ops.greater(characters[..., 0], 0)
    inside = with_boundaries(characters)
    layers, _ = encoder(words(inside), mask=ops.greater(inside[..., 0], 0))
    return without_boundaries(layers, mask)


def mixed(layers, mix, drop):
    """One vector a word: (B, T, L + 1, 2 P), 0 at padding -> (B, T, 2 P).

    Args: mix, a `ScalarMix`; drop, a dropout.
    Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365, sections 3.2 and 3.3.
    """
    mask = ops.any(ops.not_equal(layers[:, :, 0], 0), axis=-1)
    return drop(mix(layers, mask=mask))
