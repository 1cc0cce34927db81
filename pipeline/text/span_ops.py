"""Spans in the ids of tags, in TensorFlow ops: what `pipeline.text.schemes.spans` finds."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pipeline.text import schemes


class SpanOps:
    """Args: tags, the spelling of each id."""

    def __init__(self, tags: Sequence[str]) -> None:
        split = [schemes.parts(tag) for tag in tags]
        self.kinds = [kind for _, kind in split]
        self.inside = np.array([letter != schemes.OUTSIDE for letter, _ in split])
        # (C, C): whether the column's tag goes on with the row's span.
        self.joined = np.array([[_goes_on(*before, *after) for after in split] for before in split])

    def edges(self, tags: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Where spans begin, and where they end: (B, T) int32 and (B, T) bool -> two (B, T) bool.

        In each row the first beginning is that of the span with the first end, and so on.
        """
        inside = tf.gather(tf.constant(self.inside), tags) & mask
        joined = tf.gather_nd(tf.constant(self.joined), tf.stack([tags[:, :-1], tags[:, 1:]], -1))
        joined &= mask[:, 1:]
        begins = inside & ~tf.pad(joined, [[0, 0], [1, 0]])
        ends = inside & ~tf.pad(joined, [[0, 0], [0, 1]])
        return begins, ends

    def labels(self, tags: tf.Tensor) -> tf.Tensor:
        """The kind of span that each tag is of."""
        return tf.gather(tf.constant(self.kinds), tags)


def _goes_on(before: str, kind_before: str, letter: str, kind: str) -> bool:
    return before in schemes.OPENING and letter in schemes.CLOSING and kind == kind_before
