"""Hand-made protobufs against TensorFlow's own reader and writer."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.prepare.examples import encode

ids = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**31 - 1)), max_size=20)
labels = st.one_of(
    st.lists(st.integers(0, 40_000), max_size=5), st.floats(allow_nan=False, width=32)
)
raw = st.binary(max_size=200)


def feature(value):
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    if isinstance(value, float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(ids, labels, raw, raw), min_size=1, max_size=6))
def test_encode_says_what_tensorflow_says(rows):
    tokens = np.array([i for row in rows for i in row[0]], np.int32)
    lengths = np.array([len(row[0]) for row in rows])
    made = encode(
        tokens, lengths, [r[1] for r in rows], [r[2] for r in rows], {"ä/b": [r[3] for r in rows]}
    )
    for data, (own, label, text, column) in zip(made, rows, strict=True):
        values = {"ids": own, "label": label, "text": text, "column/ä/b": column}
        expected = tf.train.Features(feature={name: feature(v) for name, v in values.items()})
        assert tf.train.Example.FromString(data) == tf.train.Example(features=expected)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 5000])
def test_parse_example_reads_it(length):
    tokens = np.arange(length, dtype=np.int32) * 7
    data = encode(tokens, np.array([length]), [[200]], [b"x" * length], {})
    parsed = tf.io.parse_example(
        tf.constant(data),
        {
            "ids": tf.io.RaggedFeature(tf.int64),
            "label": tf.io.FixedLenFeature([1], tf.int64),
            "text": tf.io.FixedLenFeature([], tf.string),
        },
    )
    np.testing.assert_array_equal(parsed["ids"][0], tokens)
    assert parsed["label"].numpy().tolist() == [[200]]
    assert parsed["text"].numpy() == [b"x" * length]


def test_no_examples():
    assert encode(np.array([], np.int32), np.array([], np.int64), [], [], {}) == []
