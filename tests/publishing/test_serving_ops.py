"""Which server knows an op: read from real graphs, checked against a registry of ops."""

import pytest
import tensorflow as tf

from pipeline.errors import JobError
from pipeline.publishing import serving_ops


class Nested(tf.Module):
    """Ops in the signature, in a function that it calls, and in a branch of a condition."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, text):
        length = self.inner(text)
        return tf.cond(tf.reduce_any(length > 3), lambda: tf.cos(length), lambda: length)

    @tf.function
    def inner(self, text):
        return tf.cast(tf.strings.length(text), tf.float32)


def test_ops_are_found_in_functions_and_branches(tmp_path):
    tf.saved_model.save(Nested(), str(tmp_path))
    ops = serving_ops.used_ops(tmp_path)
    assert {"StringLength", "Cos", "Cast", "Any"} <= set(ops)
    assert not [op for op in ops if op.startswith("__inference")]


@pytest.mark.parametrize(
    ("op", "release"),
    [("Conv2D", "2.12"), ("FastBertNormalize", "2.12"), ("TFText>RoundRobinTrim", "2.20")],
)
def test_the_oldest_server_of_an_op(op, release):
    assert serving_ops.served_by([op]) == {op: release}


def test_an_op_that_the_server_lacks_is_an_error():
    with pytest.raises(JobError, match=r"TF Serving 2\.20 does not know DecodeJxl"):
        serving_ops.served_by(["Conv2D", "DecodeJxl"])
