"""TFRecord shards of one unit of work, written beside their place and renamed when whole."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from pipeline.errors import JobError


class Shards:
    """Shards SPLIT-UNIT-PART of at most `size` examples each, in one folder.

    What a killed or repeated try at the unit leaves is never taken for a shard.
    """

    def __init__(self, folder: Path, unit: int, size: int):
        self.folder, self.unit, self.size = folder, unit, size
        self.done: list[dict[str, Any]] = []
        self._open: dict[str, tuple[Path, Any]] = {}
        self._examples: dict[str, int] = {}
        self._parts: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: Any, *_: Any) -> None:
        for split in list(self._open):
            self._close(split, keep=error is None)

    def write(self, split: str, example: bytes) -> None:
        if split not in self._open:
            import tensorflow as tf

            path = self.folder / f".{split}.{uuid4().hex}"
            self._open[split] = path, tf.io.TFRecordWriter(str(path))
            self._examples[split] = 0
        self._open[split][1].write(example)
        self._examples[split] += 1
        if self._examples[split] == self.size:
            self._close(split)

    def _close(self, split: str, keep: bool = True) -> None:
        unfinished, writer = self._open.pop(split)
        writer.close()
        if not keep:
            unfinished.unlink()
            return
        part = self._parts.get(split, 0)
        self._parts[split] = part + 1
        path = self.folder / f"{split}-{self.unit:05d}-{part:05d}.tfrecord"
        self.done.append(
            {
                "split": split,
                "file": path.name,
                "examples": self._examples[split],
                "bytes": unfinished.stat().st_size,
            }
        )
        os.replace(unfinished, path)


def move(made: Sequence[Sequence[dict[str, Any]]], source: Path, target: Path) -> dict[str, list]:
    """Give the shards of all units, in their order, their final names; return these by split.

    Raises:
        JobError: a shard is not there, or not as its worker wrote it.
    """
    by_split: dict[str, list[dict[str, Any]]] = {}
    for shard in (shard for unit in made for shard in unit):
        path = source / shard["file"]
        if not path.is_file() or path.stat().st_size != shard["bytes"]:
            raise JobError(
                f"{path} is not what a worker says it wrote: do all workers see the work folder at"
                " the same path?"
            )
        by_split.setdefault(shard["split"], []).append(shard)
    names: dict[str, list[str]] = {}
    for split, shards in by_split.items():
        names[split] = [
            f"{split}-{i:05d}-of-{len(shards):05d}.tfrecord" for i in range(len(shards))
        ]
        for shard, name in zip(shards, names[split], strict=True):
            os.replace(source / shard["file"], target / name)
    return names
