"""ELMo's vectors for every word of prepared data: computed once, by Beam, and read from disk.

A model that only mixes ELMo's layers learns from these as from ELMo itself, but for the rounding to
16 bits, and each epoch costs a read of a file instead of ELMo.
"""

import functools
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from configs.recipe import Recipe
from pipeline import artifacts, pretrained_elmo
from pipeline.data import Sequences, Split
from pipeline.elmo_files import Elmo
from pipeline.errors import JobError
from pipeline.prepare.runners import run as on_beam

LAYOUT = 1  # counted up when the same inputs come to be computed differently
TEXTS = 512  # whose vectors are in memory at a time
WORDS = 2048  # computed together, padding included
DTYPE = "<f2"
log = logging.getLogger("textmill")


@dataclass(frozen=True)
class Shard:
    """A shard of prepared data, its number in the split, and the texts that its examples have."""

    split: str
    number: int
    path: str
    texts: tuple[str, ...]

    def file(self, text: str) -> str:
        return f"{self.split}-{text}-{self.number:05d}"


def compute(prepared: Path, recipe: Recipe, path: Path, patience: float | None = None) -> Path:
    """Compute the vectors of a pretrained ELMo, unless that is done already; return the directory.

    Args: patience, see `pipeline.prepare.prepare`.

    Raises:
        JobError: there is no such ELMo, Beam failed, or vectors are not finite.
    """
    content = _content(pretrained_elmo.read(path))
    mark = artifacts.fingerprint(LAYOUT, artifacts.manifest(prepared)["fingerprint"], content)
    directory = Path(recipe.work, "contextual", mark)
    if patience is not None:
        artifacts.await_finished(directory, mark, patience)
    with artifacts.to_make(directory, mark) as needed:
        if needed:
            _compute(prepared, recipe, (path, content), directory, mark)
        else:
            log.info("contextual vectors are up to date: %s", directory)
    return directory


def _compute(
    prepared: Path, recipe: Recipe, elmo: tuple[Path, str], directory: Path, mark: str
) -> None:
    """Args: elmo, where it lies and what stands for its content."""
    path, content = elmo
    texts = ["words" if recipe.task.kind == "tag" else "text"]
    if getattr(recipe.task, "second", None):
        texts.append("second_text")
    shards = [
        Shard(split, number, str((prepared / shard).resolve()), tuple(texts))
        for split, facts in artifacts.manifest(prepared)["splits"].items()
        for number, shard in enumerate(facts["shards"])
    ]
    artifacts.check(prepared)
    log.info("computing contextual vectors of %d shards on %s", len(shards), recipe.beam.runner)
    told: dict[str, Any] = {"prepared": str(prepared), "elmo": str(path)}
    with artifacts.publish(directory, mark, told) as folder:
        scratch = (folder / "scratch").resolve()
        scratch.mkdir()
        tokenizer = str((prepared / "tokenizer").resolve())
        asked = str(path.resolve()), content
        work = partial(_write, elmo=asked, tokenizer=tokenizer, folder=str(scratch))
        made = on_beam(recipe.beam, work, shards, scratch / "answers")
        told["shape"] = made[0]["shape"]
        told["words"] = _join(shards, made, scratch, folder)
        shutil.rmtree(scratch)


def read(directory: Path, split: str, text: str, offsets: np.ndarray) -> Sequences:
    """The vectors of one of the texts of each example, on disk until they are asked for.

    Args: text, `text`, `second_text` or `words`; offsets, where each example's words begin.

    Raises:
        JobError: they are not there, or are of other data.
    """
    facts = artifacts.manifest(directory)
    words = facts["words"].get(f"{split}-{text}")
    if words != offsets[-1]:
        raise JobError(
            f"{directory} has vectors of {words or 'no'} words of {split}-{text}, but the data has"
            f" {offsets[-1]}: delete it and start again"
        )
    artifacts.check(directory, f"{split}-{text}")
    shape = (words, *facts["shape"])
    if not words:
        return Sequences(np.zeros(shape, DTYPE), offsets)
    return Sequences(np.memmap(directory / f"{split}-{text}", DTYPE, "r", shape=shape), offsets)


def added(split: Split, directory: Path, name: str) -> Split:
    """The split with the vectors of its texts among its inputs: `elmo`, of pairs `second_elmo`."""
    if split.words is not None:
        found = {"elmo": read(directory, name, "words", split.words.numbers.offsets)}
    else:
        found = {"elmo": read(directory, name, "text", split.ids.offsets)}
    if second := split.inputs.get("second_ids"):
        found["second_elmo"] = read(directory, name, "second_text", second.offsets)
    return replace(split, inputs={**split.inputs, **found})


def _content(elmo: Elmo) -> str:
    """Changes with whatever a model's vectors depend on."""
    weights = {**elmo.character_weights, **elmo.encoder_weights}
    sums = {
        name: hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        for name, value in weights.items()
    }
    return artifacts.fingerprint(elmo.characters, elmo.encoder, sums)


def _write(shard: Shard, elmo: tuple[str, str], tokenizer: str, folder: str) -> dict[str, Any]:
    """Write the vectors of a shard, one file for each of the texts, and tell their numbers."""
    encode, shape = _encoder(*elmo)
    words = dict.fromkeys(shard.texts, 0)
    with ExitStack() as stack:
        unfinished = {text: Path(folder, f".{shard.file(text)}.{uuid4().hex}") for text in words}
        files = {text: stack.enter_context(path.open("wb")) for text, path in unfinished.items()}
        for text, some in _words(shard, tokenizer):
            vectors = _vectors(some, encode, shape)
            if not np.isfinite(vectors).all():
                raise JobError(f"{elmo[0]} gives words of {shard.path} vectors beyond 16 bits")
            files[text].write(vectors.tobytes())
            words[text] += len(vectors)
    for text, path in unfinished.items():
        os.replace(path, Path(folder, shard.file(text)))
    return {"words": words, "shape": shape}


@functools.lru_cache(maxsize=1)
def _encoder(path: str, content: str) -> tuple[Callable, list[int]]:
    """Made once a process: (B, T, LONGEST) characters -> (B, T, L + 1, 2 P), and [L + 1, 2 P].

    Args: content, because another model may come to lie at the path.
    """
    import tensorflow as tf

    from pipeline.build import build_elmo
    from pipeline.text.characters import LONGEST

    model = build_elmo(pretrained_elmo.read(Path(path)))
    signature = [tf.TensorSpec([None, None, LONGEST], tf.int32)]
    return tf.function(model, input_signature=signature), list(model.output_shape[2:])


def _words(shard: Shard, tokenizer: str) -> Iterator[tuple[str, Any]]:
    """The name of a text and ragged (B, None) words, for some examples after the other."""
    import tensorflow as tf

    from pipeline.text.tokenizers import load

    tokens = load(Path(tokenizer))
    given = "words" in shard.texts
    kind = tf.io.RaggedFeature(tf.string) if given else tf.io.FixedLenFeature([], tf.string)
    for batch in tf.data.TFRecordDataset(shard.path).batch(TEXTS):
        parsed = tf.io.parse_example(batch, dict.fromkeys(shard.texts, kind))
        for text in shard.texts:
            if given:
                yield text, tokens.clean_words(parsed[text].with_row_splits_dtype(tf.int64))
            else:
                yield text, tokens.pieces(parsed[text])[:, : tokens.settings.max_length]


def _vectors(words: Any, encode: Callable, shape: list[int]) -> np.ndarray:
    """Ragged (B, None) words -> (all words, L + 1, 2 P), texts of like length together."""
    import tensorflow as tf

    from pipeline.text.characters import character_ids

    lengths = words.row_lengths().numpy()
    ends = np.cumsum(lengths)
    made = np.zeros((int(lengths.sum()), *shape), DTYPE)
    rows = np.argsort(-lengths, kind="stable")
    rows = rows[lengths[rows] > 0]
    while len(rows):
        some, rows = np.split(rows, [max(1, WORDS // lengths[rows[0]])])
        characters = character_ids(tf.gather(words, some)).to_tensor()
        with np.errstate(over="ignore"):  # what is too large becomes infinite
            found = encode(characters).numpy().astype(DTYPE)
        for row, vectors in zip(some, found, strict=True):
            made[ends[row] - lengths[row] : ends[row]] = vectors[: lengths[row]]
    return made


def _join(shards: list[Shard], made: list[dict], scratch: Path, folder: Path) -> dict[str, int]:
    """One file for each text of each split; how many words it has.

    Raises:
        JobError: a file is not there, or not as its worker wrote it.
    """
    words: dict[str, int] = {}
    for shard, facts in zip(shards, made, strict=True):
        for text, number in facts["words"].items():
            part, name = scratch / shard.file(text), f"{shard.split}-{text}"
            size = number * int(np.prod(facts["shape"])) * np.dtype(DTYPE).itemsize
            if not part.is_file() or part.stat().st_size != size:
                raise JobError(
                    f"{part} is not what a worker says it wrote: do all workers see the work folder"
                    " at the same path?"
                )
            if name not in words:
                os.replace(part, folder / name)
            else:
                with open(part, "rb") as source, open(folder / name, "ab") as target:
                    shutil.copyfileobj(source, target)
            words[name] = words.get(name, 0) + number
    return words
