"""tf.train.Example written by hand, a batch at a time.

`tf.train.Example(...).SerializeToString()` takes about as long as all the rest of preparing an
example together, and does not promise the same bytes each time: the order of a protobuf map is
open. Here it is fixed. Format: https://protobuf.dev/programming-guides/encoding/ and
tensorflow/core/example/feature.proto.
"""

import struct
from collections.abc import Iterable, Sequence

import numpy as np

# Tags of the fields: which list a feature holds, and an example's features.
BYTES_LIST, FLOAT_LIST, INT64_LIST, FEATURES = b"\x0a", b"\x12", b"\x1a", b"\x0a"
VALUE = b"\x0a"  # of a string in a list; and of all the numbers in one, which are packed

Parts = tuple[bytes, ...]  # of one feature of one example
Feature = list[Parts]  # of a batch


def encode(features: Sequence[Feature]) -> list[bytes]:
    """Serialised examples, from a batch's features in the order that each shall have them."""
    made = []
    for example in zip(*features, strict=True):
        parts = [part for feature in example for part in feature]
        made.append(b"".join([FEATURES, varint(sum(map(len, parts))), *parts]))
    return made


def integers(name: str, values: np.ndarray, lengths: np.ndarray) -> Feature:
    """Lists of integers >= 0, end to end in `values`; `lengths` (B,): how many are each one's."""
    packed, ends = varints(values, lengths)
    named, start, made = key(name), 0, []
    for end in ends:
        made.append(entry(named, INT64_LIST, packed[start:end]))
        start = end
    return made


def floats(name: str, values: Iterable[float]) -> Feature:
    named = key(name)
    return [entry(named, FLOAT_LIST, struct.pack("<f", value)) for value in values]


def strings(name: str, values: Iterable[bytes]) -> Feature:
    named = key(name)
    return [entry(named, BYTES_LIST, value) for value in values]


def string_lists(name: str, lists: Iterable[Sequence[bytes]]) -> Feature:
    named = key(name)
    return [entry(named, BYTES_LIST, *values) for values in lists]


def entry(key: bytes, kind: bytes, *values: bytes) -> Parts:
    """One feature with its name, in parts, so that long values are copied once and no more."""
    listed: list[bytes] = []
    for value in values:
        listed += VALUE + varint(len(value)), value
    list_size = sum(map(len, listed))
    list_head = kind + varint(list_size)
    feature_size = len(list_head) + list_size
    feature_head = b"\x12" + varint(feature_size)
    size = len(key) + len(feature_head) + feature_size
    return b"\x0a", varint(size), key, feature_head, list_head, *listed


def key(name: str) -> bytes:
    """The name of a feature, as the first field of its entry in the map."""
    return b"\x0a" + varint(len(name.encode())) + name.encode()


def varints(numbers: np.ndarray, lengths: np.ndarray) -> tuple[bytes, list[int]]:
    """Numbers as base-128 varints end to end, and where in them each group of `lengths` ends."""
    numbers = np.asarray(numbers, np.uint32)
    places = max(1, -(-int(numbers.max(initial=0)).bit_length() // 7))
    sizes = np.ones(len(numbers), np.uint8)
    for place in range(1, places):
        sizes += numbers >= 1 << 7 * place
    digits = np.empty((len(numbers), places), np.uint8)
    for place in range(places):
        more = (sizes > place + 1).astype(np.uint8) << 7
        digits[:, place] = (numbers >> np.uint32(7 * place)).astype(np.uint8) & 127 | more
    packed = digits[np.arange(places, dtype=np.uint8) < sizes[:, None]]
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    return packed.tobytes(), ends[np.cumsum(lengths)].tolist()


def varint(number: int) -> bytes:
    return SHORT[number] if number < len(SHORT) else _varint(number)


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    digits.append(number)
    return bytes(digits)


SHORT = [_varint(number) for number in range(1 << 14)]
