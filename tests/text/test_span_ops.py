"""Spans that TensorFlow ops find in ids of tags, against those that Python finds in the tags."""

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import schemes
from pipeline.text.span_ops import SpanOps

TAGS = ["O", *(f"{letter}-{kind}" for letter in "BIES" for kind in ("person", "work-of-art"))]
rows = st.lists(st.lists(st.integers(0, len(TAGS) - 1), max_size=7), min_size=1, max_size=4)
OPS = SpanOps(TAGS)


@given(rows)
def test_any_tags_well_spelt_or_not(rows):
    tags = tf.ragged.constant(rows, tf.int32, ragged_rank=1)
    mask = tf.sequence_mask(tags.row_lengths())
    # What stands at padding must not matter.
    filled = tags.to_tensor(TAGS.index("I-person"))
    begins, ends = (edges.numpy() for edges in OPS.edges(filled, mask))
    kinds = OPS.labels(filled).numpy().astype(str)
    for i, row in enumerate(rows):
        first, last = np.flatnonzero(begins[i]), np.flatnonzero(ends[i])
        found = list(zip(kinds[i][first], first, last + 1, strict=True))
        assert found == [tuple(span) for span in schemes.spans([TAGS[tag] for tag in row])]


def test_a_batch_of_no_texts_or_no_words():
    for shape in ((0, 0), (0, 3), (2, 0)):
        begins, ends = OPS.edges(tf.zeros(shape, tf.int32), tf.zeros(shape, tf.bool))
        assert begins.shape == ends.shape == shape
