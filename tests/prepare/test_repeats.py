"""Duplicates and leaks against dictionaries over the texts themselves."""

import hashlib

import numpy as np
import pytest

from configs.data import Data
from pipeline.prepare import repeats
from pipeline.prepare.hashes import UNUSED, hashed
from pipeline.prepare.inputs import SPLITS

FILES = Data(train="a", valid="b", test="c")


def expected(units):
    """units: (split, texts) of each file -> later copies, leaked records, shared texts."""
    seen, later, where, position = {}, [], {}, 0
    for split, texts in units:
        for text in texts:
            if text:
                (later.append(position) if (split, text) in seen else None)
                seen.setdefault((split, text), position)
                where.setdefault(text, set()).add(split)
            position += 1
    everything = [(split, text) for split, texts in units for text in texts]
    leaked = [
        i for i, (split, t) in enumerate(everything) if t and split == "train" and len(where[t]) > 1
    ]
    shared = {
        f"{a}/{b}": sum({a, b} <= splits for splits in where.values())
        for a, b in [("train", "valid"), ("train", "test"), ("valid", "test")]
    }
    return later, leaked, shared, seen


@pytest.mark.parametrize("part_size", [7, 1 << 21])
def test_repeats_are_those_that_dictionaries_find(tmp_path, part_size):
    random = np.random.default_rng(3)
    units = []
    for split in ("train", "train", "valid", "test", "test"):
        texts = [b"%d" % n for n in random.integers(0, 60, 40)]
        units.append((split, [b"" if i == 5 else text for i, text in enumerate(texts)]))
    paths = []
    for i, (split, texts) in enumerate(units):
        paths.append(tmp_path / str(i))
        paths[-1].write_bytes(hashed(texts, split, FILES).tobytes())
    found = repeats.find(paths, part_size)
    later, leaked, shared, seen = expected(units)
    assert np.flatnonzero(found.flags & repeats.DUPLICATE).tolist() == later
    assert np.flatnonzero(found.flags & repeats.LEAK).tolist() == leaked
    assert found.leaks == shared
    everything = [(split, text) for split, texts in units for text in texts]
    for split in SPLITS:
        positions = [i for i in later if everything[i][0] == split]
        assert found.duplicates[split] == len(positions)
        firsts = [(seen[everything[i]], i) for i in positions]
        assert found.pairs[split] == firsts[: repeats.SHOWN]
    for one, other in found.pairs["train/test"]:
        assert everything[one] == ("train", everything[other][1])
        assert everything[other][0] == "test"
    codes = [UNUSED if not text else SPLITS.index(split) for split, text in everything]
    assert found.splits.tolist() == codes


def test_nothing_at_all(tmp_path):
    (tmp_path / "0").write_bytes(b"")
    assert repeats.find([tmp_path / "0"]).duplicates == dict.fromkeys(SPLITS, 0)


def test_a_split_is_a_range_of_hashes():
    """Fractions come out near what was asked, and agree with the hash computed by hand."""
    texts = [b"text %d" % i for i in range(20_000)]
    got = hashed(texts, "train", Data(train="a", valid=0.2, test=0.1))["split"]
    places = [
        int.from_bytes(hashlib.blake2b(text, digest_size=16).digest()[:8], "little") / 2**64
        for text in texts
    ]
    names = ["test" if p < 0.1 else "valid" if p >= 0.8 else "train" for p in places]
    assert [SPLITS[code] for code in got] == names
    shares = [names.count(split) / len(texts) for split in SPLITS]
    np.testing.assert_allclose(shares, [0.7, 0.2, 0.1], atol=0.01)


def test_a_split_does_not_move_when_another_is_asked_for():
    texts = [b"text %d" % i for i in range(1000)]
    with_valid = hashed(texts, "train", Data(train="a", valid=0.2, test=0.1))["split"]
    without = hashed(texts, "train", Data(train="a", valid=None, test=0.1))["split"]
    np.testing.assert_array_equal(with_valid == 2, without == 2)
    assert (hashed(texts, "test", Data(train="a", valid=0.2, test="c"))["split"] == 2).all()
