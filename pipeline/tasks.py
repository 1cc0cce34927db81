"""What each kind of task asks of the loop: its loss, its scores, and the score that decides."""

import logging
from collections.abc import Callable
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
from pipeline.data import NO_TAG
from pipeline.errors import JobError
from pipeline.text import schemes

log = logging.getLogger("textmill")
MOST_WEIGHT = 10.0  # of a balanced class
LOWER_IS_BETTER = {
    *("loss", "nll", "masked_loss", "pair_loss", "ece"),
    *("rmse", "mae", "perplexity", "cache_perplexity"),
}
Loss = Callable[[Any, Any], Any]
Decode = Callable[[dict[str, Any], Any], tuple[Any, Any]]


def loss_function(task: Task) -> Loss:
    """(a model's outputs, the batch that it saw) -> (B,) losses.

    Where a row has several words to answer for, its loss is their mean.
    """
    from components import bert_pretraining, losses, span_head, tag_heads

    match task:
        case Classify():
            return lambda outputs, batch: losses.softmax_cross_entropy(
                outputs["logits"], batch["label"], task.label_smoothing
            )
        case Multilabel():
            return lambda outputs, batch: losses.sigmoid_cross_entropy(
                outputs["logits"], batch["label"]
            )
        case Regress():
            return lambda outputs, batch: losses.squared_error(outputs["logits"], batch["label"])
        case Tag():
            return lambda outputs, batch: tag_heads.tag_loss(
                outputs, batch["label"], batch["label"] != NO_TAG
            )
        case LanguageModel():
            return lambda outputs, batch: losses.mean_of_words(
                outputs["losses"], batch["targets"] != 0
            )
        case MaskedLanguageModel():
            return lambda outputs, batch: bert_pretraining.pretraining_loss(
                outputs, batch, task.pair_weight
            )
        case Span():
            return lambda outputs, batch: span_head.span_loss(outputs, batch["label"])
        case _:
            assert_never(task)


def decoder(task: Tag, labels: list[str]) -> Decode:
    """(outputs, (B, T) mask of words) -> (B, T) int32 ids of tags, (B, T) their probabilities.

    Spans begin and end as the scheme says, whatever the head, so that every answer can be read.
    """
    from components import tag_heads

    allowed = None if task.scheme == "plain" else schemes.allowed(labels, task.scheme)
    return lambda outputs, mask: tag_heads.decode(outputs, mask, allowed)


def class_weights(task: Task, labels: list[str], train_labels: np.ndarray) -> np.ndarray | None:
    """(C,) weights of the classes in the loss, or None for all alike.

    `balanced` is N / (C * count), which gives every class the same total weight, but MOST_WEIGHT
    at most: the few texts of a rare class would else decide what all others are taken for.

    Raises:
        JobError: a weight names a label that the data does not have.
    """
    if not isinstance(task, Classify) or task.class_weights == "none":
        return None
    if task.class_weights == "balanced":
        counts = np.bincount(train_labels, minlength=len(labels))
        balanced = len(train_labels) / (len(labels) * np.maximum(counts, 1))
        _tell_capped(balanced[counts > 0])
        return np.minimum(balanced, MOST_WEIGHT).astype(np.float32)
    unknown = sorted(set(task.class_weights) - set(labels))
    if unknown:
        raise JobError(f"task.class_weights names no label of the data: {', '.join(unknown)}")
    return np.array([task.class_weights.get(label, 1.0) for label in labels], np.float32)


def _tell_capped(balanced: np.ndarray) -> None:
    if capped := int((balanced > MOST_WEIGHT).sum()):
        log.info(
            "task.class_weights: balanced, but %g at most: %d of %d classes would weigh up to %.0f",
            MOST_WEIGHT,
            capped,
            len(balanced),
            balanced.max(),
        )


def deciding_score(task: Task, chosen: str | None) -> str:
    """The score that picks the best checkpoint: the recipe's `train.metric`, or the task's own.

    Raises:
        JobError: the task has no such score.
    """
    names = {
        "classify": ["accuracy", "macro_f1", "matthews", "loss"],
        "multilabel": ["micro_f1", "macro_f1", "subset_accuracy", "loss"],
        "regress": ["rmse", "mae", "pearson", "spearman", "loss"],
        "tag": ["entity_f1", "precision", "recall", "accuracy", "loss"],
        "language_model": ["perplexity", "loss"],
        "masked_language_model": ["masked_loss", "perplexity", "accuracy", "loss"],
        "span": ["f1", "exact", "loss"],
    }[task.kind]
    if isinstance(task, Tag) and task.scheme == "plain":
        names = ["accuracy", "macro_f1", "loss"]
    if isinstance(task, MaskedLanguageModel) and task.pairs != "none":
        names = [*names, "pair_accuracy"]
    if chosen is not None and chosen not in names:
        raise JobError(
            f"train.metric: no score {chosen!r} for {task.kind}, choose {' or '.join(names)}"
        )
    return chosen or names[0]


def better(name: str, new: float, old: float | None) -> bool:
    if old is None:
        return True
    return new < old if name in LOWER_IS_BETTER else new > old
