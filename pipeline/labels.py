"""The labels of a split: as its examples hold them -> as the loss of its task takes them."""

from typing import Any, assert_never

import numpy as np

from configs.tasks import (
    Classify,
    LanguageModel,
    MaskedLanguageModel,
    Multilabel,
    Regress,
    Span,
    Tag,
    Task,
)
from pipeline.data import Sequences


def of_task(task: Task, given: Sequences | None, num_labels: int) -> Any:
    """(N,) int64 of classify, (N, C) float32 of 0 and 1 of multilabel, (N,) float32 of regress, a
    sequence of int32 of tag; None of the others, whose examples hold no label.
    """
    match task:
        case Classify():
            assert given is not None
            return given.values.astype(np.int64)
        case Multilabel():
            assert given is not None
            return hot(given, num_labels)
        case Regress():
            assert given is not None
            return given.values
        case Tag():
            return given
        case LanguageModel() | MaskedLanguageModel() | Span():
            return None
        case unknown:
            assert_never(unknown)


def answerable(labels: Any, number: int) -> tuple[Any, Any]:
    """A batch's labels as a loss over `number` classes takes them, and (B,) whether it can.

    No model has a probability for what training lacks: of such an example of one label, or of such
    a sentence, there is no loss; of several labels it is that of the others.

    Args: labels, (B,) or (B, T) ids, (B, C) of 0 and 1, or numbers.
    """
    if labels.dtype.kind == "f":
        return (labels[:, :number] if labels.ndim == 2 else labels), np.ones(len(labels), bool)
    unseen = labels >= number
    return np.where(unseen, 0, labels), ~unseen.reshape(len(labels), -1).any(axis=1)


def hot(labels: Sequences, num_labels: int) -> np.ndarray:
    """(N, C) float32, 1 for each label that an example has."""
    found = np.zeros((len(labels), num_labels), np.float32)
    found[np.repeat(np.arange(len(labels)), labels.lengths), labels.values] = 1.0
    return found
