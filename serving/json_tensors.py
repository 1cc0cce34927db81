"""TF Serving's JSON form of a predict request and its answer.

Row form: `{"instances": [...]}` -> `{"predictions": [...]}`. Column form: `{"inputs": ...}` ->
`{"outputs": ...}`. Source: https://www.tensorflow.org/tfx/serving/api_rest and TF Serving's
util/json_tensor.cc, whose checks and wording are kept.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.saved_model import Input
from serving.status import invalid

_TYPES = {"float": (int, float), "int": (int,), "bool": (bool,), "string": (str,)}
_NAMES = {
    dict: "Object", list: "Array", str: "String", int: "Number", float: "Number", bool: "Bool",
    type(None): "Null",
}  # fmt: skip


class PredictJson:
    """A parsed body: the signature's name, and once the signature is known, its arrays."""

    def __init__(self, body: bytes | bytearray):
        """Raises: RequestError: not JSON, or not an object with a text signature_name."""
        # TF Serving hands over bytes that are not UTF-8 as they are, and so must this.
        try:
            text, self._errors = body.decode(), "strict"
        except UnicodeDecodeError:
            text, self._errors = body.decode(errors="surrogateescape"), "surrogateescape"
        try:
            self._document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise invalid(f"JSON Parse error: {error or 'nested too deeply'}") from error
        if not isinstance(self._document, dict):
            raise invalid(f"JSON Value: {_shown(self._document)} Is not object")
        self.signature_name = self._document.get("signature_name", "")
        if not isinstance(self.signature_name, str):
            raise invalid("'signature_name' key must be a string value.")
        self.by_row = "instances" in self._document

    def arrays(self, inputs: Mapping[str, Input]) -> dict[str, np.ndarray]:
        """Raises: RequestError: an input is missing, unknown, ragged or of another type."""
        given = {"inputs", "instances"} & self._document.keys()
        if not given:
            raise invalid("Missing 'inputs' or 'instances' key")
        if len(given) == 2:
            raise invalid("expecting only one of 'inputs' or 'instances' keys to exist")
        if self.by_row:
            columns = _columns_of_rows(self._document["instances"], sorted(inputs))
        else:
            columns = _columns(self._document["inputs"], sorted(inputs))
        return {name: self._array(name, columns[name], inputs[name]) for name in inputs}

    def _array(self, name: str, value: Any, expected: Input) -> np.ndarray:
        shape, leaves = _flatten(value)
        dtype = expected.dtype
        try:
            if dtype.name == "string":
                values: Any = [_to_bytes(leaf, self._errors) for leaf in leaves]
            else:
                kind = "bool" if dtype.is_bool else "int" if dtype.is_integer else "float"
                values = _checked(leaves, kind, dtype.name)
            array = np.empty(len(leaves), dtype.as_numpy_dtype)
            array[:] = values
            return array.reshape(shape)
        except (OverflowError, ValueError) as error:
            raise invalid(f"input {name}: {error}") from error


def answer(outputs: Mapping[str, np.ndarray], by_row: bool) -> bytes:
    """The body of an answer; a signature with a single output leaves out its name."""
    columns = {name: _values(name, value) for name, value in outputs.items()}
    document: Any = next(iter(columns.values())) if len(columns) == 1 else columns
    if by_row and len(columns) > 1:
        rows = zip(*columns.values(), strict=True)
        document = [dict(zip(columns, row, strict=True)) for row in rows]
    return json.dumps({"predictions" if by_row else "outputs": document}).encode()


def _columns_of_rows(rows: Any, names: list[str]) -> dict[str, list]:
    if not isinstance(rows, list):
        raise invalid("Excepting 'instances' to be an list/array")
    if not rows:
        raise invalid("No values in 'instances' array")
    if not _is_object(rows[0]):
        if len(names) > 1:
            raise invalid("instances is a plain list, but expecting list of objects")
        for index, row in enumerate(rows):
            if _is_object(row):
                raise invalid(f"Expecting value/list but got object at item {index} of input list")
        return {names[0]: rows}
    for index, row in enumerate(rows):
        if not _is_object(row):
            raise invalid(f"Expecting object but got list at item {index} of input list")
        if sorted(row) != names:
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object:"
                f" {_shown(row)} keys must be equal to: {','.join(names)}"
            )
    return {name: [row[name] for row in rows] for name in names}


def _columns(value: Any, names: list[str]) -> dict[str, Any]:
    if not _is_object(value):
        if len(names) > 1:
            raise invalid("inputs is a plain value/list, but expecting an object")
        return {names[0]: value}
    for name in names:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return value


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() != {"b64"}


def _flatten(value: Any) -> tuple[list[int], list]:
    """Nested lists -> (shape, leaves in order)."""
    shape: list[int] = []
    leaves = [value]
    while isinstance(leaves[0] if leaves else None, list):
        size = len(leaves[0])
        for item in leaves:
            if not isinstance(item, list):
                raise invalid(f"JSON Value: {_shown(item)} found at incorrect level: {len(shape)}")
            if len(item) != size:
                raise invalid(
                    f"Encountered list at unexpected size: {len(item)} at level: {len(shape)}"
                    f" expected size: {size}"
                )
        shape.append(size)
        leaves = [leaf for item in leaves for leaf in item]
    return shape, leaves


def _checked(leaves: list, kind: str, dtype: str) -> list:
    if not set(map(type, leaves)) <= set(_TYPES[kind]):
        wrong = next(leaf for leaf in leaves if type(leaf) not in _TYPES[kind])
        raise _type_error(wrong, dtype)
    return leaves


def _to_bytes(leaf: Any, errors: str) -> bytes:
    if isinstance(leaf, str):
        return leaf.encode(errors=errors)
    if isinstance(leaf, dict) and isinstance(leaf.get("b64"), str) and len(leaf) == 1:
        try:
            return base64.b64decode(leaf["b64"] + "=" * (-len(leaf["b64"]) % 4), validate=True)
        except (binascii.Error, ValueError) as error:
            raise invalid("Unable to base64 decode") from error
    raise _type_error(leaf, "string")


def _type_error(value: Any, dtype: str) -> Exception:
    kind = _NAMES.get(type(value), "?")
    return invalid(f"JSON Value: {_shown(value)} Type: {kind} is not of expected type: {dtype}")


def _shown(value: Any) -> str:
    try:
        return json.dumps(value)[:200]
    except RecursionError:
        return "..."


def _values(name: str, array: np.ndarray) -> list:
    if array.dtype != object:
        return array.tolist()
    if name.endswith("_bytes"):
        return _each(array, lambda value: {"b64": base64.b64encode(value).decode()})
    return _each(array, lambda value: value.decode(errors="replace"))


def _each(array: np.ndarray, change) -> list:
    changed = np.empty(array.shape, object)
    changed.ravel()[:] = [change(value) for value in array.ravel()]
    return changed.tolist()
