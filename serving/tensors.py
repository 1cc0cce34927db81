"""TensorProto to array and back; strings are arrays of `bytes` objects.

`tf.make_tensor_proto` packs numbers into `tensor_content`. TF Serving answers with the typed fields
(`float_val`, `string_val`), which many clients read directly, so the answers are written that way.
"""

import numpy as np
from tensorflow import make_ndarray
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving.status import invalid

# numpy type -> (TensorFlow type, the field of TensorProto that holds its values)
_FIELDS = {
    "object": (types_pb2.DT_STRING, "string_val"),
    "float32": (types_pb2.DT_FLOAT, "float_val"),
    "float64": (types_pb2.DT_DOUBLE, "double_val"),
    "int32": (types_pb2.DT_INT32, "int_val"),
    "int64": (types_pb2.DT_INT64, "int64_val"),
    "bool": (types_pb2.DT_BOOL, "bool_val"),
}


def from_proto(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """The array of a TensorProto.

    Raises:
        RequestError: the values do not fill the shape, or the type is unknown.
    """
    if any(dim.size < 0 for dim in proto.tensor_shape.dim):
        raise invalid("tensor parsing error: a dimension is negative")
    if proto.dtype == types_pb2.DT_STRING:
        return _from_strings(proto)
    try:
        return make_ndarray(proto)
    except (TypeError, ValueError) as error:
        raise invalid(f"tensor parsing error: {error}") from error


def _from_strings(proto: tensor_pb2.TensorProto) -> np.ndarray:
    # make_ndarray repeats the last value to fill the shape; a missing text is an error here.
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if len(proto.string_val) != np.prod(shape, dtype=np.int64):
        got = len(proto.string_val)
        raise invalid(f"tensor parsing error: {got} strings do not fill the shape {shape}")
    values = np.empty(len(proto.string_val), object)
    values[:] = proto.string_val
    return values.reshape(shape)


def to_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """A TensorProto whose values are in the typed field."""
    dtype, field = _FIELDS[array.dtype.name]
    proto = tensor_pb2.TensorProto(dtype=dtype)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto
