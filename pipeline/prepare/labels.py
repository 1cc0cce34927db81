"""What there is to predict, found out from the training files; and what else the others have."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Task
from pipeline.errors import JobError

BINS = 20  # of a number to predict, in the report


class Labels(NamedTuple):
    """`names` in the order of their ids; for regress the `edges` of the report's bins instead.

    Both are empty for language models and for span questions. `unseen` are the labels that only
    files for validation and test have. Their ids come after all others, and no model answers them.
    """

    names: tuple[str, ...]
    edges: tuple[float, ...]
    unseen: tuple[str, ...] = ()


def find(task: Task, scans: Sequence[dict[str, Any]]) -> Labels:
    """The labels in the files, sorted by spelling.

    Args: scans, the facts of the first pass over each file.

    Raises:
        JobError: there is no choice between labels to be learned.
    """
    if isinstance(task, LanguageModel | MaskedLanguageModel | Span):
        return Labels((), ())
    if task.kind == "regress":
        return _numbers(task.label, [fact["range"] for fact in scans if fact["range"]])
    counts: Counter[str] = Counter()
    others: set[str] = set()
    for fact in scans:
        # Those of rows cut into other splits count as known: rare labels may be there.
        if fact["split"] == "train":
            counts.update(fact["labels"])
        else:
            others.update(fact["labels"])
    least = 1 if task.kind == "multilabel" else 2
    if len(counts) < least:
        got = f"only {next(iter(counts))!r}" if counts else "none"
        raise JobError(
            f"{task.kind} needs {least} different labels at least, but column {task.label!r} of the"
            f" training files holds {got}: is it the right column?"
        )
    return Labels(tuple(sorted(counts)), (), tuple(sorted(others - counts.keys())))


def of_model(task: Task, names: Sequence[str], scans: Sequence[dict[str, Any]]) -> Labels:
    """The labels that a trained model answers, and those of new files that it does not."""
    if task.kind == "regress":
        return Labels((), (-math.inf, math.inf))
    found = {label for fact in scans for label in fact["labels"]}
    return Labels(tuple(names), (), tuple(sorted(found - set(names))))


def _numbers(column: str, ranges: list[tuple[float, float]]) -> Labels:
    least = min((low for low, _ in ranges), default=0.0)
    most = max((high for _, high in ranges), default=0.0)
    if least == most:
        got = f"every one is {least:g}" if ranges else "there are none"
        raise JobError(f"column {column!r} should hold different numbers; {got}")
    return Labels((), tuple(np.linspace(least, most, BINS + 1).tolist()))
