"""tf.train.Example written by hand, a batch at a time.

`tf.train.Example(...).SerializeToString()` takes about as long as all the rest of preparing an
example together, and does not promise the same bytes each time: the order of a protobuf map is
open. Here it is fixed. Format: https://protobuf.dev/programming-guides/encoding/ and
tensorflow/core/example/feature.proto.
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

# Tags of the fields: which list a feature holds, and an example's features.
BYTES_LIST, FLOAT_LIST, INT64_LIST, FEATURES = b"\x0a", b"\x12", b"\x1a", b"\x0a"


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
    ids_key, label_key, text_key = key("ids"), key("label"), key("text")
    extra = [(key(f"column/{name}"), values) for name, values in columns.items()]
    made, start = [], 0
    for i, (label, end) in enumerate(zip(labels, ends, strict=True)):
        if isinstance(label, float):
            label_entry = entry(label_key, FLOAT_LIST, struct.pack("<f", label))
        else:
            label_entry = entry(label_key, INT64_LIST, b"".join(map(varint, label)))
        entries = [
            *entry(ids_key, INT64_LIST, packed[start:end]),
            *label_entry,
            *entry(text_key, BYTES_LIST, texts[i]),
        ]
        for column, values in extra:
            entries += entry(column, BYTES_LIST, values[i])
        start = end
        made.append(b"".join([FEATURES, varint(sum(map(len, entries))), *entries]))
    return made


def entry(key: bytes, kind: bytes, values: bytes) -> tuple[bytes, ...]:
    """One feature with its name, in parts, so that long values are copied once and no more."""
    values_head = b"\x0a" + varint(len(values))
    list_size = len(values_head) + len(values)
    list_head = kind + varint(list_size)
    feature_size = len(list_head) + list_size
    feature_head = b"\x12" + varint(feature_size)
    size = len(key) + len(feature_head) + feature_size
    return b"\x0a", varint(size), key, feature_head, list_head, values_head, values


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
