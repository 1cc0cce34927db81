"""Pretrained word vectors: GloVe or word2vec text, word2vec binary, or .npz -> a vocabulary's rows.

Only the vocabulary's words are parsed and kept, so memory does not grow with the file. A word takes
the vector of its exact spelling, else of the file's first word that is equal but for case (files
begin with the most frequent words). A file's second vector for a word is ignored.
"""

import gzip
import math
import re
import zipfile
import zlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from configs.loading import RecipeError
from pipeline.errors import JobError

Rows = Iterator[tuple[str, np.ndarray]]
HEADER = re.compile(rb"(\d+) (\d+)\s*")  # word2vec's first line: words in the file, width
SPECIAL = re.compile(r"\[[A-Z]+\]")  # [PAD], [UNK] and the like are words of no file


@dataclass(frozen=True)
class Coverage:
    """How much of a vocabulary has pretrained vectors."""

    words: int  # in the vocabulary, special tokens apart
    found: int  # of these, in the file
    running: float | None  # share of found words among the tokens of the training texts

    def __str__(self) -> str:
        share = "" if self.running is None else f", {self.running:.1%} of the running words"
        return f"{self.found:,} of {self.words:,} words{share}"


def load(
    path: str, vocabulary: Sequence[str], width: int, seed: int, counts: np.ndarray | None = None
) -> tuple[np.ndarray, Coverage]:
    """The (V, width) float32 rows of a vocabulary, and how many of them the file has.

    The other rows are uniform on [-a, a], with the variance of those that were found.
    `counts` (V,) are the tokens of each id in the training texts.
    Source: Kim 2014, https://arxiv.org/abs/1408.5882, section 4.3.

    Raises:
        RecipeError: there is no such file, or its vectors have another width.
        JobError: a line is malformed, a number is not finite, the file ends early, or it has none
            of the words.
    """
    exact: dict[str, np.ndarray] = {}
    folded: dict[str, np.ndarray] = {}
    for word, vector in _rows(Path(path), width, {word.lower() for word in vocabulary}):
        if not np.isfinite(vector).all():
            raise JobError(
                f"{path}: the vector of {word!r} holds {vector[~np.isfinite(vector)][0]}"
            )
        exact.setdefault(word, vector)
        folded.setdefault(word.lower(), vector)
    nearest = ((i, exact.get(w, folded.get(w.lower()))) for i, w in enumerate(vocabulary))
    rows = {i: vector for i, vector in nearest if vector is not None}
    if not rows:
        raise JobError(
            f"{path} has none of the vocabulary's {len(vocabulary)} words, such as"
            f" {', '.join(map(repr, vocabulary[-3:]))}: are the vectors of the texts' language?"
        )
    found, known = list(rows), np.stack(list(rows.values()))
    bound = math.sqrt(3 * known.var())  # the variance of a uniform number on [-a, a] is a^2 / 3
    matrix = np.random.default_rng(seed).uniform(-bound, bound, (len(vocabulary), width))
    matrix[found] = known
    words = sum(SPECIAL.fullmatch(word) is None for word in vocabulary)
    running = None if counts is None else float(counts[found].sum() / max(counts.sum(), 1))
    return matrix.astype(np.float32), Coverage(words, len(found), running)


class _Everything:
    """Holds whatever is looked for."""

    def __contains__(self, _: object) -> bool:
        return True


def words(path: Path, number: int) -> list[str]:
    """The first words of a file, which are the most frequent ones; some may stand there twice.

    Raises:
        RecipeError: there is no such file.
        JobError: a line is malformed, or the file ends early.
    """
    return [word for word, _ in islice(_rows(path, None, _Everything()), number)]


def _rows(path: Path, width: int | None, wanted: Container[str]) -> Rows:
    """The words of a file that are wanted in lower case, with their vectors; None: of any width."""
    if not path.is_file():
        raise RecipeError(f"there is no file of word vectors {path}")
    try:
        if path.suffix == ".npz":
            yield from _npz(path, width, wanted)
            return
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            first = file.readline()
            if not first:
                raise EOFError("empty")
            if header := HEADER.fullmatch(first):
                count, got = int(header[1]), int(header[2])
            else:
                count, got = None, len(first.split()) - 1
                file.seek(0)
            width = _checked_width(path, got, width)
            # The numbers of a text begin like this; four bytes of a binary one hardly ever do.
            text = re.match(rb"\S+( [-+.\deE]+){%d}\s" % min(width, 3), file.peek(1))
            if count is not None and not text:
                yield from _binary(file, path, count, width, wanted)
            else:
                yield from _text(file, path, count, width, wanted)
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as error:
        raise JobError(f"{path} is damaged or cut short ({error}): fetch it again") from error


def _text(file, path: Path, count: int | None, width: int, wanted: Container[str]) -> Rows:
    """`WORD NUMBER NUMBER ...` a line; a few words of GloVe's largest file hold spaces."""
    before = 0 if count is None else 1  # lines
    number = before
    for number, line in enumerate(file, before + 1):
        word, *numbers = line.rstrip().rsplit(b" ", width)
        if len(numbers) < width or (b" " in word and _is_number(word.rpartition(b" ")[2])):
            shown = line.decode(errors="replace").strip()
            raise JobError(
                f"{path}:{number}: expected a word and {width} numbers, got"
                f" {len(shown.split())} words or numbers: {shown[:60]!r}"
            )
        spelling = word.decode(errors="replace")
        if spelling.lower() in wanted:
            yield spelling, _parsed(numbers, f"{path}:{number}")
    if count is not None and number - before != count:
        raise JobError(
            f"{path}:1: it promises {count} words, but {number - before} follow: fetch it again"
        )


def _binary(file, path: Path, count: int, width: int, wanted: Container[str]) -> Rows:
    """word2vec's `WORD `, then `width` little-endian floats, then often a newline."""
    for number in range(1, count + 1):
        word = b"".join(iter(lambda: file.read(1).strip(b" "), b"")).lstrip(b"\n")
        raw = file.read(4 * width)
        if len(raw) < 4 * width:
            raise EOFError(f"in word {number} of {count}")
        spelling = word.decode(errors="replace")
        if spelling.lower() in wanted:
            yield spelling, np.frombuffer(raw, "<f4")


def _npz(path: Path, width: int | None, wanted: Container[str]) -> Rows:
    """Two arrays: `words` (N,) of strings and `vectors` (N, width)."""
    with np.load(path) as arrays:
        if set(arrays) != {"words", "vectors"}:
            raise JobError(
                f"{path}: expected arrays `words` and `vectors`, got {', '.join(sorted(arrays))}"
            )
        words, vectors = arrays["words"], arrays["vectors"]
    width = _checked_width(path, vectors.shape[-1], width)
    if vectors.shape != (len(words), width):
        raise JobError(f"{path}: {len(words)} words, but vectors of shape {vectors.shape}")
    for word, vector in zip(words.tolist(), vectors, strict=True):
        if word.lower() in wanted:
            yield word, vector


def _checked_width(path: Path, got: int, width: int | None) -> int:
    if width not in (None, got):
        raise RecipeError(
            f"model.embedding.width is {width}, but the vectors of {path} have {got} numbers:"
            f" set model.embedding.width={got}"
        )
    return got


def _parsed(numbers: list[bytes], where: str) -> np.ndarray:
    try:
        return np.array([float(number) for number in numbers], np.float32)
    except ValueError as error:
        raise JobError(f"{where}: {error}") from error


def _is_number(text: bytes) -> bool:
    return re.fullmatch(rb"[-+]?\d*\.?\d+([eE][-+]?\d+)?", text) is not None
