"""Prepared shards -> a split in memory.

A split is read once into flat arrays (4 bytes a token), so that the shuffle is a true one over all
examples, the number of steps is known before the first, and a resumed run starts at any batch at
once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from configs.recipe import Recipe
from configs.tasks import Span, Task
from pipeline.prepare import origins
from pipeline.prepare.origins import Origins
from pipeline.prepare.parsing import parsed_examples

PARSE, PARSE_DOCUMENTS = 4096, 16  # examples parsed at a time
TEXTS = ("text", "second_text")  # the features with an example's texts
STRINGS = {"tag": ("words",), "span": ("answers",)}  # those with lists of strings
NO_TAG = -1  # in the place of a tag where there is no word


@dataclass(frozen=True)
class Sequences:
    """N sequences end to end in `values`; sequence i is values[offsets[i]:offsets[i + 1]].

    With a `table`, the values are rows of it, and row 0, all zeros, is padding.
    """

    values: np.ndarray
    offsets: np.ndarray
    table: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @cached_property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    def padded(self, rows: np.ndarray, num_rows: int, length: int, padding: int = 0) -> np.ndarray:
        """(num_rows, length, ...) of the sequences `rows`, then of empty ones."""
        shape = (num_rows, length, *self.values.shape[1:])
        padded = np.full(shape, padding, self.values.dtype)
        for place, row in enumerate(rows):
            padded[place, : self.lengths[row]] = self[row]
        return padded if self.table is None else self.table[padded]


@dataclass(frozen=True)
class Words:
    """N lists of words; `numbers` has the place of each word's spelling, from 1."""

    numbers: Sequences
    spellings: list[str]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: int) -> list[str]:
        return [self.spellings[number - 1] for number in self.numbers[row].tolist()]


@dataclass(frozen=True)
class Split:
    """N examples.

    `inputs` are the model's by name: `ids`, and for other tasks and models `second_ids`, `starts`
    (the place of each word's first token), `characters`, `types`, ... With `types` the ids are
    sequences of `pipeline.text.wrapping`. `labels`: see `pipeline.labels`.
    `texts`, of pairs `second_texts`, the `words` to tag, and `columns` are as they came, before
    cleaning; of the words as many as have tags. Of span questions the examples are windows, their
    labels (N, 2) int32, and `asked` has the questions, see `pipeline.questions`. `unseen` names the
    labels that training lacks, whose ids come after those that the model can answer. `origins` say
    where in which file each example, or question, stands; those to train on do without.
    """

    inputs: dict[str, Sequences]
    labels: Any
    texts: list[str]
    columns: dict[str, list[str]]
    weights: np.ndarray  # (N,) float32, of each example in the loss
    second_texts: list[str] = field(default_factory=list)
    words: Words | None = None
    asked: Any = None
    unseen: tuple[str, ...] = ()
    origins: Origins = field(default_factory=Origins)

    def __len__(self) -> int:
        return len(self.inputs["ids"])

    @property
    def ids(self) -> Sequences:
        return self.inputs["ids"]

    @cached_property
    def lengths(self) -> np.ndarray:
        """(N,) tokens, of both texts of a pair."""
        texts = [self.inputs[name].lengths for name in ("ids", "second_ids") if name in self.inputs]
        return np.sum(texts, axis=0)


def load(
    prepared: Path,
    name: str,
    recipe: Recipe,
    num_labels: int,
    columns=(),
    sequences: bool | None = None,
) -> Split:
    """Read one split of a prepared directory.

    Args: sequences, whether to make these of the texts; if not said, as the model reads them.

    Raises:
        JobError: the prepared data has no such split, or lacks tokens that the model needs.
    """
    import tensorflow as tf

    from pipeline import labels, questions
    from pipeline.prepare import unseen_labels
    from pipeline.spellings import Spellings

    task = recipe.task
    inputs = _inputs(task, recipe.text.tokenizer.kind)
    number = tf.float32 if task.kind == "regress" else tf.int64
    texts = TEXTS if "second_ids" in inputs else TEXTS[:1]
    names = [f"column/{column}" for column in columns]
    names += ["id"] if task.kind == "span" else []
    told = () if name == "train" else (origins.FEATURE,)
    features = {
        **{name: tf.io.RaggedFeature(tf.int64) for name in (*inputs, *told)},
        **({} if task.kind == "language_model" else {"label": tf.io.RaggedFeature(number)}),
        **{name: tf.io.RaggedFeature(tf.string) for name in STRINGS.get(task.kind, ())},
        **{name: tf.io.FixedLenFeature([], tf.string) for name in (*texts, *names)},
    }
    size = PARSE_DOCUMENTS if task.kind == "language_model" else PARSE
    batches = parsed_examples(prepared, name, features, size)
    spellings = Spellings(recipe)
    parsed = [_plain({**batch, **spellings.words(batch)}, spellings.number) for batch in batches]
    found = {name: _joined([part[name] for part in parsed]) for name in parsed[0]}
    carried = {column: found[f"column/{column}"] for column in columns}
    if told:
        found["origins"] = origins.load(prepared, found.pop(origins.FEATURE).values)
    if isinstance(task, Span):
        return questions.load(prepared, found, spellings.spelled, carried, task)
    if sequences is None:
        sequences = recipe.sequences
    if sequences:
        made = _wrapped(prepared, found, task)
        found, inputs = found | made, [name for name in made if name not in ("words", "label")]
    unseen = () if name == "train" else tuple(unseen_labels.names(prepared))
    return Split(
        {**{name: found[name] for name in inputs}, **spellings.characters(found)},
        labels.of_task(task, found.get("label"), num_labels + len(unseen)),
        found["text"],
        carried,
        np.ones(len(found["text"]), np.float32),
        found.get("second_text", []),
        Words(found["words"], spellings.spelled) if task.kind == "tag" else None,
        unseen=unseen,
        origins=found.get("origins", Origins()),
    )


def _inputs(task: Task, tokenizer: str) -> list[str]:
    """The sequences of token ids and places that the examples of a task hold."""
    if task.kind == "span":
        return ["ids", "second_ids", "begins", "ends"]
    if task.kind == "tag" and tokenizer != "word":
        return ["ids", "starts"]
    return ["ids", "second_ids"] if getattr(task, "second", None) else ["ids"]


def _wrapped(prepared: Path, found: dict[str, Any], task: Task) -> dict[str, Sequences]:
    from pipeline import wrapped_data
    from pipeline.text import tokenizers, wrapping

    how = wrapping.wrapping(tokenizers.load(prepared / "tokenizer"))
    make = wrapped_data.of_words if task.kind == "tag" else wrapped_data.of_texts
    return make(found, how)


def _plain(batch: dict, number: Callable) -> dict[str, Any]:
    """A list of str for each tensor of strings, and sequences for ragged ones.

    Args: number, (N,) string -> (N,) int32, for what is ragged and of strings.
    """
    import tensorflow as tf

    found: dict[str, Any] = {}
    for name, value in batch.items():
        if not isinstance(value, tf.RaggedTensor):
            found[name] = [text.decode("utf-8", "replace") for text in value.numpy()]
            continue
        flat = number(value.values) if value.dtype == tf.string else value.values.numpy()
        flat = flat.astype(np.int32) if flat.dtype == np.int64 else flat
        found[name] = Sequences(flat, value.row_splits.numpy())
    return found


def _joined(parts: list) -> Any:
    """Parts of one feature as one list, or as one of sequences."""
    if isinstance(parts[0], list):
        return [text for part in parts for text in part]
    lengths = np.concatenate([part.lengths for part in parts])
    return Sequences(
        np.concatenate([part.values for part in parts]), np.concatenate([[0], np.cumsum(lengths)])
    )


def weighted(split: Split, class_weights: np.ndarray | None) -> Split:
    """The split with each example weighted by its class in the loss."""
    if class_weights is None:
        return split
    return replace(split, weights=class_weights[split.labels])
