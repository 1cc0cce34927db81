"""What a model answered to each example of a split, in the words of the task, and how wrong."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

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
from pipeline.data import Split
from pipeline.evaluation import scores
from pipeline.evaluation.intervals import Score


@dataclass(frozen=True)
class Answers:
    """One entry an example.

    `labels` and `predicted`: a string for classify, a list of strings for multilabel, a number for
    regress. `probabilities`: (N, C), and `correct`: (N,) bool, of the whole answer; a regression
    has none of either. `wrong`: (N,), how bad the mistake is, 0 for none.
    `blame`: (N, C), the sum of logits that a mistake was made by: 1 for what should be lower, -1
    for what should be higher. The last of C are those that `with_unseen` adds.
    """

    labels: list[Any]
    predicted: list[Any]
    probabilities: np.ndarray
    correct: np.ndarray
    wrong: np.ndarray
    blame: np.ndarray

    def worst(self, number: int) -> np.ndarray:
        order = np.argsort(-self.wrong, kind="stable")[:number]
        return order[self.wrong[order] > 0]


def with_unseen(logits: np.ndarray, split: Split) -> np.ndarray:
    """(N, C) logits, and a column more for each label that training lacks: it is never said."""
    never = np.full((len(logits), len(split.unseen)), -np.inf, logits.dtype)
    return np.concatenate([logits, never], axis=1)


def score_functions(
    task: Task, labels: np.ndarray, logits: np.ndarray, thresholds: np.ndarray | None = None
) -> dict[str, Score]:
    """The scores of a task.

    Args: logits, (N, C), see `with_unseen`; thresholds, (C,) of labels, if a text may have several.
    """
    match task:
        case Classify():
            return scores.classify(labels, logits)
        case Multilabel():
            assert thresholds is not None
            return scores.multilabel(labels, logits, thresholds)
        case Regress():
            return scores.regress(labels, logits[:, 0])
        case Tag() | LanguageModel() | MaskedLanguageModel() | Span():
            raise ValueError(f"{task.kind} has no label for each text")
        case _:
            assert_never(task)


def judge(
    task: Task,
    names: list[str],
    labels: np.ndarray,
    logits: np.ndarray,
    thresholds: np.ndarray | None = None,
) -> Answers:
    every = np.arange(len(labels))
    blame = np.zeros_like(logits)
    match task:
        case Classify():
            chances, predicted = softmax(logits, axis=1), logits.argmax(axis=1)
            correct = predicted == labels
            blame[every, predicted] += 1
            blame[every, labels] -= 1
            return Answers(
                labels=[names[label] for label in labels],
                predicted=[names[label] for label in predicted],
                probabilities=chances,
                correct=correct,
                wrong=np.where(correct, 0.0, chances.max(axis=1)),
                blame=blame,
            )
        case Multilabel():
            chances = expit(logits)
            predicted = chances > thresholds
            correct = (predicted == (labels > 0)).all(axis=1)
            loss = scores.cross_entropies(labels, logits)
            worst = np.where(predicted == (labels > 0), -1.0, loss).argmax(axis=1)
            blame[every, worst] = np.where(predicted[every, worst], 1.0, -1.0)
            return Answers(
                labels=[[names[i] for i in np.flatnonzero(row)] for row in labels],
                predicted=[[names[i] for i in np.flatnonzero(row)] for row in predicted],
                probabilities=chances,
                correct=correct,
                wrong=np.where(correct, 0.0, loss.sum(axis=1)),
                blame=blame,
            )
        case Regress():
            error = logits[:, 0] - labels
            return Answers(
                labels=labels.tolist(),
                predicted=logits[:, 0].tolist(),
                probabilities=np.empty((len(labels), 0)),
                correct=np.empty(0, bool),
                wrong=np.abs(error),
                blame=np.sign(error)[:, None],
            )
        case Tag() | LanguageModel() | MaskedLanguageModel() | Span():
            raise ValueError(f"{task.kind} has no label for each text")
        case _:
            assert_never(task)


def table(split: Split, answers: Answers) -> pd.DataFrame:
    """One row an example: example, file, line, text, label, predicted; for classes score, scores
    and correct.

    Pairs have `second_text` too. `example` is the same for the same text, or the same two texts, in
    every run, so that runs can be joined by it. `scores` are of the model's own labels.
    """
    columns: dict[str, Any] = {
        "example": example_ids(split.texts, split.second_texts),
        **split.origins.columns(),
        "text": split.texts,
        **({"second_text": split.second_texts} if split.second_texts else {}),
        "label": answers.labels,
        "predicted": answers.predicted,
    }
    if answers.probabilities.size:
        columns["score"] = answers.probabilities.max(axis=1)
        own = answers.probabilities.shape[1] - len(split.unseen)
        columns["scores"] = list(answers.probabilities[:, :own])
        columns["correct"] = answers.correct
    return pd.DataFrame(columns | {f"column/{name}": c for name, c in split.columns.items()})


def example_ids(texts: list[str], second_texts: list[str] | None = None) -> list[str]:
    """16 hex digits of each text, or pair of texts, and how often it has come before."""
    if second_texts:
        # With the length, so that no other two texts are the same one after the other.
        both = zip(texts, second_texts, strict=True)
        texts = [f"{len(first)} {first}{second}" for first, second in both]
    seen: Counter[str] = Counter()
    ids = []
    for text in texts:
        key = f"{text}\0{seen[text]}".encode("utf-8", "surrogatepass")
        ids.append(hashlib.blake2b(key, digest_size=8).hexdigest())
        seen[text] += 1
    return ids
