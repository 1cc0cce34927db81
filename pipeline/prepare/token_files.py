"""Documents as token ids in files, which any worker can read a part of.

Of a unit's documents of one split there are three files: `tokens`; `sentences`, where each sentence
begins among the tokens, and last where the last one ends; `documents`, where each document begins
among the sentences, the same way, and a hash of its tokens. What is asked for is read, not mapped,
so that a corpus of which parts are drawn at random does not come to be in memory.
"""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from pipeline.prepare.files import whole

PLACE = np.dtype("<u8")
DOCUMENT = np.dtype([("begin", "<u8"), ("hash", "<u8")])


def token_type(vocabulary_size: int) -> np.dtype:
    """The smallest integers that hold all ids."""
    return np.dtype(np.min_scalar_type(vocabulary_size - 1)).newbyteorder("<")


class Document(NamedTuple):
    """A document: its tokens, and where in them each sentence begins and the last one ends."""

    tokens: np.ndarray
    edges: np.ndarray


class Writer:
    """Writes the documents of one split of a unit, to `folder`/UNIT-SPLIT.{tokens,...}."""

    def __init__(self, folder: Path, unit: int, split: str, kind: np.dtype):
        self.place, self.kind = _place(folder, unit, split), kind
        self.documents = self.single = self.sentences = self.tokens = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._files: dict[str, Any] = {}
            for name in ("tokens", "sentences", "documents"):
                unfinished = stack.enter_context(whole(Path(f"{self.place}.{name}")))
                self._files[name] = stack.enter_context(open(unfinished, "wb"))
            self._files["sentences"].write(np.zeros(1, PLACE).tobytes())
            self._opened = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._files["documents"].write(np.array([(self.sentences, 0)], DOCUMENT).tobytes())
        self._opened.__exit__(*exception)

    def write(self, tokens: np.ndarray, lengths: np.ndarray) -> None:
        """A document of sentences with so many tokens, one at least in each."""
        written = tokens.astype(self.kind).tobytes()
        digest = hashlib.blake2b(written, digest_size=8).digest()
        row = np.array([(self.sentences, np.frombuffer(digest, "<u8")[0])], DOCUMENT)
        self._files["tokens"].write(written)
        self._files["sentences"].write((self.tokens + np.cumsum(lengths)).astype(PLACE).tobytes())
        self._files["documents"].write(row.tobytes())
        self.documents += 1
        self.single += len(lengths) == 1
        self.sentences += len(lengths)
        self.tokens += len(tokens)

    def facts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("documents", "single", "sentences")}


class Documents:
    """The documents of one split, of all units, numbered in the units' order.

    Args: counts, how many each unit has.
    """

    def __init__(self, folder: Path, split: str, counts: Sequence[int], kind: np.dtype):
        self.folder, self.split, self.kind = folder, split, kind
        self.starts = np.cumsum([0, *counts])  # (units + 1,) numbers of the first ones

    def __len__(self) -> int:
        return int(self.starts[-1])

    def hash(self, number: int) -> int:
        return int(self._row(number)[1][0]["hash"])

    def whole(self, number: int) -> Document:
        place, rows = self._row(number)
        return self._read(place, *rows["begin"].tolist())

    def part(self, number: int, tokens: int, random: np.random.Generator) -> np.ndarray:
        """Of a document from a random sentence on as many whole ones as have so many tokens.

        Fewer, if the document ends.
        """
        place, rows = self._row(number)
        begin, end = rows["begin"].tolist()
        first = int(random.integers(begin, end))
        found = self._read(place, first, min(end, first + tokens))
        enough = np.searchsorted(found.edges, tokens)
        return found.tokens[: found.edges[enough]] if enough < len(found.edges) else found.tokens

    def _row(self, number: int) -> tuple[str, np.ndarray]:
        """Where its files are, and its row among the documents with the one after it."""
        unit = int(np.searchsorted(self.starts, number, "right")) - 1
        place, row = _place(self.folder, unit, self.split), number - int(self.starts[unit])
        return place, _part(place, "documents", DOCUMENT, row, row + 2)

    def _read(self, place: str, begin: int, end: int) -> Document:
        edges = _part(place, "sentences", PLACE, begin, end + 1)
        tokens = _part(place, "tokens", self.kind, int(edges[0]), int(edges[-1]))
        return Document(tokens, (edges - edges[0]).astype(np.int64))


def _place(folder: Path, unit: int, split: str) -> str:
    """Of a unit's files, without their endings."""
    return f"{folder}/{unit:05d}-{split}"


def _part(place: str, name: str, kind: np.dtype, begin: int, end: int) -> np.ndarray:
    offset = begin * kind.itemsize
    return np.fromfile(f"{place}.{name}", kind, end - begin, offset=offset)
