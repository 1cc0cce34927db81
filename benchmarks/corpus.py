"""A corpus of any size for the benchmarks: film reviews and novels, repeated, as JSONL.

Reads imdb/ and novels/ of the folder TEXTMILL_DATA (default ../shared/data).
"""

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

DATA = Path(os.environ.get("TEXTMILL_DATA", "../shared/data"))
SOURCES = ("imdb/train", "imdb/test", "imdb/unsup", "novels/novels")


def make(folder: Path, megabytes: float, num_files: int) -> list[Path]:
    """Write records {text, label}, dealt out to files in turn, until there are enough bytes."""
    if not (DATA / "imdb").is_dir():
        raise SystemExit(f"no film reviews in {DATA}: set TEXTMILL_DATA to the folder with imdb/")
    folder.mkdir(parents=True)
    paths = [folder / f"part-{i:02d}.jsonl" for i in range(num_files)]
    left = megabytes * 1e6
    with ExitStack() as stack:
        files = [stack.enter_context(open(path, "wb")) for path in paths]
        for file, record in zip(cycle(files), records(), strict=False):
            left -= file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            if left < 0:
                break
    return paths


def records() -> Iterator[dict[str, str]]:
    while True:
        for source in SOURCES:
            with gzip.open(DATA / f"{source}.jsonl.gz", "rt", encoding="utf-8") as lines:
                for line in lines:
                    record = json.loads(line)
                    label = record.get("label") or Path(source).name
                    yield {"text": record["text"], "label": str(label)}
