"""Hand-made protobufs against TensorFlow's own reader and writer."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.prepare.examples import encode, floats, integers, string_lists, strings

ids = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**31 - 1)), max_size=20)
numbers = st.floats(allow_nan=False, width=32)
raw = st.binary(max_size=200)
several = st.lists(st.binary(max_size=20), max_size=5)


def feature(value):
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    if isinstance(value, float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    if isinstance(value, tuple):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value))


def lists(name, rows):
    flat = np.array([i for row in rows for i in row], np.int64)
    return integers(name, flat, np.array([len(row) for row in rows], np.int64))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(ids, numbers, ids, raw, several), min_size=1, max_size=6))
def test_encode_says_what_tensorflow_says(rows):
    own, values, label, column, words = zip(*rows, strict=True)
    made = encode(
        [
            lists("ids", own),
            floats("value", values),
            lists("label", label),
            strings("column/ä/b", column),
            string_lists("words", words),
        ]
    )
    names = ("ids", "value", "label", "column/ä/b", "words")
    for data, row in zip(made, rows, strict=True):
        row = (*row[:4], tuple(row[4]))
        expected = {name: feature(value) for name, value in zip(names, row, strict=True)}
        got = tf.train.Example.FromString(data)
        assert got == tf.train.Example(features=tf.train.Features(feature=expected))


@pytest.mark.parametrize("length", [0, 1, 127, 128, 5000])
def test_parse_example_reads_it(length):
    tokens = np.arange(length, dtype=np.int32) * 7
    data = encode(
        [
            integers("ids", tokens, np.array([length])),
            lists("label", [[200]]),
            strings("text", [b"x" * length]),
        ]
    )
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
    assert encode([lists("ids", []), strings("text", [])]) == []
