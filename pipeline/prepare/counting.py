"""Word counts that need not fit into memory: dicts in buckets by hash, merged file by file."""

import heapq
import pickle
import zlib
from collections.abc import Iterable
from pathlib import Path

from pipeline.prepare.files import whole

BUCKETS = 32
MOST_WORDS = 500_000  # distinct words held before a spill; about 80 MB


class WordCounts:
    """The counts of one unit of work, on their way to `folder`/BUCKET/UNIT-SPILL."""

    def __init__(self, folder: Path, unit: int):
        self.folder, self.unit = folder, unit
        self.counts: dict[bytes, int] = {}
        self.spills = 0

    def add(self, words: Iterable[bytes], counts: Iterable[int]) -> None:
        get, here = self.counts.get, self.counts
        for word, count in zip(words, counts, strict=True):
            here[word] = get(word, 0) + count
        if len(here) > MOST_WORDS:
            self.spill()

    def spill(self) -> None:
        buckets: list[dict[bytes, int]] = [{} for _ in range(BUCKETS)]
        for word, count in self.counts.items():
            buckets[zlib.crc32(word) % BUCKETS][word] = count
        for number, bucket in enumerate(buckets):
            path = self.folder / f"{number:02d}" / f"{self.unit:05d}-{self.spills:03d}"
            write(path, bucket)
        self.counts.clear()
        self.spills += 1


def write(path: Path, counts: dict[bytes, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as unfinished:
        unfinished.write_bytes(pickle.dumps(counts))


def merge(bucket: int, folder: str, most: int) -> dict[str, int]:
    """Add up one bucket of all units and keep its `most` frequent words, ties by spelling.

    What is among the `most` frequent of all words is among those of its bucket.
    """
    counts: dict[bytes, int] = {}
    for path in Path(folder, f"{bucket:02d}").glob("[0-9]*"):
        for word, count in pickle.loads(path.read_bytes()).items():
            counts[word] = counts.get(word, 0) + count
    kept = dict(heapq.nsmallest(most, counts.items(), key=lambda item: (-item[1], item[0])))
    write(Path(folder, "merged", f"{bucket:02d}"), kept)
    return {"words": sum(counts.values()), "distinct": len(counts)}


def merged(folder: Path) -> dict[str, int]:
    """All words that were kept, and their counts."""
    counts: dict[str, int] = {}
    for path in sorted((folder / "merged").glob("[0-9]*")):
        counts.update((w.decode(), count) for w, count in pickle.loads(path.read_bytes()).items())
    return counts
