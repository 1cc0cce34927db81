"""Hashes of the cleaned texts: which split a text falls into, and which texts are the same.

The texts of a pair are hashed as one.

A split is a range of hashes, so that it depends on nothing but the text: equal texts are never
parted, and more files or another order of lines move no text.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from configs.data import Data
from pipeline.prepare.inputs import SPLITS

UNUSED = 255  # instead of a split: this record goes nowhere

# What is kept of each checked record, in the order of its file; `split` is an index in SPLITS.
HASHED = np.dtype([("high", "<u8"), ("low", "<u8"), ("split", "u1")])


def hashed(texts: Sequence[bytes], split: str, data: Data) -> np.ndarray:
    """(B,) of HASHED. With fractions, `train` is cut; the test part stays when valid's changes.

    A text that is empty after cleaning is UNUSED.
    """
    digests = b"".join(hashlib.blake2b(text, digest_size=16).digest() for text in texts)
    words = np.frombuffer(digests, "<u8").reshape(-1, 2)
    made = np.empty(len(texts), HASHED)
    made["high"], made["low"] = words[:, 0], words[:, 1]
    made["split"] = SPLITS.index(split)
    if split == "train":
        place = words[:, 0] / 2.0**64  # uniform in [0, 1]
        if isinstance(data.valid, float):
            made["split"][place >= 1.0 - data.valid] = SPLITS.index("valid")
        if isinstance(data.test, float):
            made["split"][place < data.test] = SPLITS.index("test")
    made["split"][[not text for text in texts]] = UNUSED
    return made
