import random
import zlib
from collections import Counter

from pipeline.prepare import counting


def test_spilled_and_merged_counts_are_what_counter_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "MOST_WORDS", 50)
    random.seed(1)
    words = [f"wörd\t{random.randrange(600)}\n".encode() for _ in range(5000)]
    for unit in range(3):
        counts = counting.WordCounts(tmp_path, unit)
        mine = words[unit::3]
        for start in range(0, len(mine), 100):
            batch = Counter(mine[start : start + 100])
            counts.add(batch.keys(), batch.values())
        counts.spill()
        assert counts.spills > 1
    total = Counter(words)
    buckets = range(counting.BUCKETS)
    facts = [counting.merge(bucket, str(tmp_path), 1000) for bucket in buckets]
    assert counting.merged(tmp_path) == {word.decode(): n for word, n in total.items()}
    assert sum(fact["distinct"] for fact in facts) == len(total)
    assert sum(fact["words"] for fact in facts) == 5000

    for bucket in buckets:
        counting.merge(bucket, str(tmp_path), 2)
    kept = counting.merged(tmp_path)
    for bucket in buckets:
        here = [word for word in total if zlib.crc32(word) % counting.BUCKETS == bucket]
        here.sort(key=lambda word: (-total[word], word))
        assert {word.decode() for word in here[:2]} == {
            word for word in kept if zlib.crc32(word.encode()) % counting.BUCKETS == bucket
        }
