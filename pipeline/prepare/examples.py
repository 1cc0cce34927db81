"""tf.train.Example written by hand, a batch at a time.

`tf.train.Example(...).SerializeToString()` takes about as long as all the rest of preparing an
example together, and does not promise the same bytes each time: the order of a protobuf map is
open. Here it is fixed. Format: https://protobuf.dev/programming-guides/encoding/ and
tensorflow/core/example/feature.proto.
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

BYTES_LIST, FLOAT_LIST, INT64_LIST = b"\x0a", b"\x12", b"\x1a"


def encode(
    tokens: np.ndarray,
    lengths: np.ndarray,
    labels: Sequence[Sequence[int] | float],
    texts: Sequence[bytes],
    columns: Mapping[str, Sequence[bytes]],
) -> list[bytes]:
    """Serialised examples with features `ids`, `label`, `text` and `column/NAME`.

    Args:
        tokens: ids of all texts end to end, (tokens,), not negative; lengths: (B,) how many of
            them are each text's.
        labels: B lists of label indices (an int64 feature), or B numbers (a float feature).
    """
    packed, ends = varints(tokens, lengths)
    head = feature_head("ids"), feature_head("label"), feature_head("text")
    extra = [(feature_head(f"column/{name}"), values) for name, values in columns.items()]
    made, start = [], 0
    for i, end in enumerate(ends):
        label = labels[i]
        if isinstance(label, float):
            label_feature = delimited(FLOAT_LIST, delimited(b"\x0a", struct.pack("<f", label)))
        else:
            numbers = b"".join(map(varint, label))
            label_feature = delimited(INT64_LIST, delimited(b"\x0a", numbers))
        ids_feature = delimited(INT64_LIST, delimited(b"\x0a", packed[start:end]))
        start = end
        features = [
            entry(head[0], ids_feature),
            entry(head[1], label_feature),
            entry(head[2], delimited(BYTES_LIST, delimited(b"\x0a", texts[i]))),
            *(entry(h, delimited(BYTES_LIST, delimited(b"\x0a", v[i]))) for h, v in extra),
        ]
        made.append(delimited(b"\x0a", b"".join(features)))
    return made


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


def delimited(tag: bytes, data: bytes) -> bytes:
    return tag + varint(len(data)) + data


def feature_head(name: str) -> bytes:
    return delimited(b"\x0a", name.encode())


def entry(head: bytes, feature: bytes) -> bytes:
    """One entry of the map from name to feature."""
    return delimited(b"\x0a", head + delimited(b"\x12", feature))
