"""TensorProto to array and back; strings are arrays of `bytes` objects.

`tf.make_tensor_proto` packs numbers into `tensor_content`. TF Serving answers with the typed fields
(`float_val`, `string_val`), which many clients read directly, so the answers are written that way.
"""

import math

import numpy as np
from tensorflow import as_dtype, make_ndarray, make_tensor_proto
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
_MOST_REPEATED = 1 << 20
_HANDLES = (types_pb2.DT_VARIANT, types_pb2.DT_RESOURCE)
_VALUES = [name for name in tensor_pb2.TensorProto.DESCRIPTOR.fields_by_name if "_val" in name]


def value_count(proto: tensor_pb2.TensorProto) -> int:
    """Numbers and texts that are written one by one, and dimensions."""
    return len(proto.tensor_shape.dim) + sum(len(getattr(proto, name)) for name in _VALUES)


def from_proto(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """The array of a TensorProto.

    Raises:
        RequestError: the values do not fill the shape, or the type is unknown.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if any(size < 0 for size in shape):
        raise invalid(f"tensor parsing error: a dimension is negative: {shape}")
    # One value may stand for all, so a few bytes can ask for any amount of memory.
    is_text = proto.dtype == types_pb2.DT_STRING
    if not (is_text or proto.tensor_content) and math.prod(shape) > _MOST_REPEATED:
        raise invalid(f"tensor parsing error: {shape} is too large but for tensor_content")
    try:
        if as_dtype(proto.dtype).base_dtype in map(as_dtype, _HANDLES):
            raise TypeError(f"{as_dtype(proto.dtype).name} means nothing outside of a process")
        return _from_strings(proto, shape) if is_text else make_ndarray(proto)
    except (TypeError, ValueError) as error:
        raise invalid(f"tensor parsing error: {error}") from error


def _from_strings(proto: tensor_pb2.TensorProto, shape: list[int]) -> np.ndarray:
    # make_ndarray repeats the last value to fill the shape; a missing text is an error here.
    if len(proto.string_val) != math.prod(shape):
        raise ValueError(f"{len(proto.string_val)} strings do not fill the shape {shape}")
    values = np.empty(len(proto.string_val), object)
    values[:] = proto.string_val
    return values.reshape(shape)


def to_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """A TensorProto whose values are in the typed field, for the types in the table above."""
    if array.dtype.name not in _FIELDS:
        return make_tensor_proto(array)
    dtype, field = _FIELDS[array.dtype.name]
    proto = tensor_pb2.TensorProto(dtype=dtype)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto
