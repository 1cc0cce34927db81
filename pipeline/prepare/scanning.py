"""The first pass over a file: what is bad, which text goes where, how often each word stands."""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from configs.data import Text
from configs.recipe import Recipe
from pipeline.errors import JobError
from pipeline.prepare import dead_letters
from pipeline.prepare.bad_records import bad
from pipeline.prepare.batches import THREADS, mapped
from pipeline.prepare.checks import EMPTY_TEXT, Checked, label_columns
from pipeline.prepare.counting import WordCounts
from pipeline.prepare.files import whole
from pipeline.prepare.hashes import UNUSED, hashed
from pipeline.prepare.inputs import SPLITS, Unit
from pipeline.prepare.notes import Notes
from pipeline.prepare.records import Line, checked_batches
from pipeline.progress import Lines

MOST_LABELS = 100_000  # more distinct ones than this are no labels but texts or numbers
TRAIN = SPLITS.index("train")


class Scanned(NamedTuple):
    """What threads make of a batch; `words` and `counts` are those of its training texts."""

    lines: list[Line]
    hashes: np.ndarray
    words: Iterable[bytes]
    counts: Iterable[int]


def scan(unit: Unit, recipe: Recipe, folder: str, counting: bool) -> dict[str, Any]:
    """Read a file once; return its counts, and leave what is bulky under `folder`.

    That is hashes/UNIT (HASHED, a row for each checked record), refused/UNIT.jsonl, and words/ with
    the counts of the training texts' words if `counting`.

    Raises:
        JobError: the file cannot be read, lacks a column, or has no labels worth the name.
    """
    name, places = f"{unit.index:05d}", Path(folder)
    words = WordCounts(places / "words", unit.index)
    labels: Counter[str] = Counter()
    least, most = math.inf, -math.inf
    records = checked = 0
    noted = Notes(unit.name)
    told = Lines(f"read {unit.name}")
    with (
        whole(places / "hashes" / name) as unfinished,
        open(unfinished, "wb") as hashes,
        dead_letters.Writer(places / "refused" / f"{name}.jsonl", unit.name) as dead,
    ):
        scanner = batch_scanner(unit, recipe, counting)
        for lines, rows, found, counts in mapped(scanner, checked_batches(unit, recipe), THREADS):
            hashes.write(rows.tobytes())
            records += len(lines)
            checked += len(rows)
            words.add(found, counts)
            splits = iter(rows["split"].tolist())
            for line, record in lines:
                if not isinstance(record, Checked):
                    dead.write(line, record)
                    continue
                noted.add(line, record.notes)
                if next(splits) == UNUSED:
                    dead.write(line, bad(EMPTY_TEXT, b" ".join(record.texts)))
                elif isinstance(record.label, float):
                    least, most = min(least, record.label), max(most, record.label)
                else:
                    labels.update(record.label)
            told.advance(len(lines), bad=dead.reasons.total())
            if len(labels) > MOST_LABELS:
                raise JobError(
                    f"{unit.name}: more than {MOST_LABELS:,} distinct labels in column"
                    f" {''.join(label_columns(recipe.task))!r}: is it the right one?"
                )
    if counting:
        words.spill()
    told.close()
    return {
        "split": unit.split,
        "records": records,
        "checked": checked,
        "labels": dict(labels),
        "range": [least, most] if least <= most else None,
        **dead.facts(),
        **noted.facts(),
    }


def batch_scanner(unit: Unit, recipe: Recipe, counting: bool) -> Callable[[list[Line]], Scanned]:
    """Make the function that cleans, hashes and counts a batch; threads may share it."""
    import tensorflow as tf

    clean, count, count_words = text_functions(recipe.text)
    given, asks = recipe.task.kind == "tag", recipe.task.kind == "span"

    def scan_batch(lines: list[Line]) -> Scanned:
        records = [record for _, record in lines if isinstance(record, Checked)]
        # A list of the records' first texts and, of pairs, one of the second texts.
        texts = list(zip(*(record.texts for record in records), strict=True))
        cleaned = [clean(tf.constant(some, tf.string)).numpy() for some in texts]
        rows = hashed(_joined(cleaned), unit.split, recipe.data)
        if asks and records:  # the questions about a context stay together
            own = hashed(cleaned[1].tolist(), unit.split, recipe.data)["split"]
            rows["split"] = np.where(rows["split"] == UNUSED, UNUSED, own)
        if not counting:
            return Scanned(lines, rows, (), ())
        training = rows["split"] == TRAIN
        if given:
            chosen = [record.words for record, use in zip(records, training, strict=True) if use]
            found = count_words(tf.constant(list(chain.from_iterable(chosen)), tf.string))
        else:
            some = [texts[training] for texts in cleaned] or [[]]
            found = count(tf.constant(np.concatenate(some), tf.string))
        words, counts = (part.numpy().tolist() for part in found)
        return Scanned(lines, rows, words, counts)

    return scan_batch


def _joined(cleaned: Sequence[np.ndarray]) -> list[bytes]:
    """The texts of each record as one, which no other record spells; empty if one of them is."""
    if len(cleaned) == 1:
        return cleaned[0].tolist()
    # Cleaned texts hold no NULs.
    return [b"\0".join(texts) if all(texts) else b"" for texts in zip(*cleaned, strict=True)]


@functools.lru_cache(maxsize=2)
def text_functions(text: Text) -> tuple[Callable, ...]:
    """Cleaning, counting the words of cleaned texts, and counting given words.

    They are traced once a process.
    """
    import tensorflow as tf

    from pipeline.text import cleaning, splitting
    from pipeline.text.given_words import clean_word

    def clean(texts: tf.Tensor) -> tf.Tensor:
        return cleaning.clean(texts, text)

    def count(cleaned: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        words, _, counts = tf.unique_with_counts(splitting.words(cleaned, text).flat_values)
        return words, counts

    def count_words(words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        words = clean_word(words, text)
        if text.tokenizer.kind == "word":
            words, _, counts = tf.unique_with_counts(tf.boolean_mask(words, words != ""))
            return words, counts
        return count(words)

    strings = [tf.TensorSpec([None], tf.string)]
    return tuple(tf.function(f, strings, autograph=False) for f in (clean, count, count_words))
