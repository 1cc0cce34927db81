"""Span questions in memory: the windows of their contexts, which a model reads, and the rest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from configs.tasks import Span
from pipeline.data import Sequences, Split, Words
from pipeline.prepare.origins import Origins
from pipeline.text import tokenizers
from pipeline.text.windows import Windowing, Windows, windowing, windows

CHUNK = 1024  # questions whose windows are made at a time


@dataclass(frozen=True)
class Questions:
    """B questions.

    Attributes:
        split: their texts, contexts (`second_texts`) and columns, and the ids of all their tokens.
        ids: their names, which may be empty.
        answers: the right ones to each.
        begins, ends: where each token of a context stands in it, in code points.
        windows: of all of them, with arrays in the place of tensors and without ids and types.
    """

    split: Split
    ids: list[str]
    answers: Words
    begins: Sequences
    ends: Sequences
    windows: Windows

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, row: int, first: int, last: int) -> str:
        """What the tokens from first to last of a question's context say, as it stands there."""
        return self.split.second_texts[row][self.begins[row][first] : self.ends[row][last]]


def load(
    prepared: Path, found: dict[str, Any], spelled: list[str], columns: dict, task: Span
) -> Split:
    """`windowed`, of what stands in prepared data. Args: spelled, the answers by their numbers."""
    how = windowing(tokenizers.load(prepared / "tokenizer"), task)
    return windowed({**found, "answers": Words(found["answers"], spelled)}, columns, how)


def windowed(found: dict[str, Any], columns: dict[str, list[str]], how: Windowing) -> Split:
    """N windows as examples, and as `asked` the B questions that they are of.

    A window's label is the places of the answer's first and last token in it, (N, 2) int32, of
    the first answer if there are several; both are 0 where it does not have the whole answer.

    Args: found, the features of `pipeline.prepare.features` by name.
    """
    made = _windows(found["ids"], found["second_ids"], how)
    texts, contexts = found["text"], found["second_text"]
    every = np.ones(len(texts), np.float32)
    inputs = {name: found[name] for name in ("ids", "second_ids")}
    asked = Questions(
        Split(
            inputs,
            None,
            texts,
            columns,
            every,
            contexts,
            origins=found.get("origins", Origins()),
        ),
        found["id"],
        found["answers"],
        found["begins"],
        found["ends"],
        made._replace(ids=None, types=None),
    )
    return Split(
        {"ids": made.ids, "types": made.types},
        labels(found["label"], made),
        [texts[row] for row in made.rows],
        {name: [values[row] for row in made.rows] for name, values in columns.items()},
        np.ones(len(made.rows), np.float32),
        [contexts[row] for row in made.rows],
        asked=asked,
    )


def labels(answers: Sequences, made: Windows) -> np.ndarray:
    """See `windowed`. Args: answers, of each question the two tokens, or none."""
    tokens = np.full((len(answers), 2), -1)
    tokens[answers.lengths == 2] = answers.values.reshape(-1, 2)
    own = tokens[made.rows]
    inside = (own[:, 0] >= made.begins) & (own[:, 0] >= 0) & (own[:, 1] < made.ends)
    places = own + (made.leads - made.begins)[:, None]
    return np.where(inside[:, None], places, 0).astype(np.int32)


def _windows(questions: Sequences, contexts: Sequences, how: Windowing) -> Windows:
    """In NumPy, `ids` and `types` as sequences."""
    parts = []
    for start in range(0, len(questions), CHUNK):
        chunk = slice(start, start + CHUNK)
        parts.append(windows(_ragged(questions, chunk), _ragged(contexts, chunk), how))
    rows = [part.rows + place * CHUNK for place, part in enumerate(parts)]
    ids, types = (
        Sequences(
            np.concatenate([each.values.numpy() for each in some]),
            np.append(0, np.cumsum(np.concatenate([each.row_lengths().numpy() for each in some]))),
        )
        for some in zip(*(part[:2] for part in parts), strict=True)
    )
    others = zip(rows, *zip(*(part[3:] for part in parts), strict=True), strict=True)
    return Windows(ids, types, *(np.concatenate(each) for each in zip(*others, strict=True)))


def _ragged(some: Sequences, chunk: slice) -> tf.RaggedTensor:
    offsets = some.offsets[chunk.start : chunk.stop + 1]
    values = some.values[offsets[0] : offsets[-1]]
    return tf.RaggedTensor.from_row_splits(values, offsets - offsets[0])
