"""What there is to say of a trained model's answers to a split, as the JSON of the report."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from configs.models import TextCNN
from configs.recipe import Recipe
from configs.tasks import Classify, Multilabel, Regress
from pipeline import tasks
from pipeline.data import Split
from pipeline.evaluation import (
    attention_maps,
    baselines,
    calibration,
    intervals,
    paired,
    scores,
    slices,
)
from pipeline.evaluation.decisions import deciding_ngrams, strongest_ngrams
from pipeline.evaluation.intervals import Score
from pipeline.evaluation.judge import Answers, score_functions
from pipeline.runs import Trained

MOST_CONFUSIONS = 20


@dataclass(frozen=True)
class Case:
    """A trained model and what it answered to a split; `train` is what it learned from, if that is
    there.
    """

    recipe: Recipe
    trained: Trained
    train: Split | None
    split: Split
    logits: np.ndarray  # (N, C), see `judge.with_unseen`
    answers: Answers

    @property
    def has_ngrams(self) -> bool:
        """Whether the answers are sums over the n-grams of one text's words."""
        return isinstance(self.recipe.model, TextCNN) and list(self.trained.model.input) == ["ids"]

    @property
    def names(self) -> list[str]:
        """Of the labels, those at the end that training lacks."""
        return [*self.trained.labels, *self.split.unseen]

    def estimate(self, functions: dict[str, Score]) -> dict[str, intervals.Estimate]:
        resamples, seed = self.recipe.evaluate.resamples, self.recipe.seed
        return intervals.estimate(functions, len(self.split), resamples, seed)


def findings(case: Case) -> dict[str, Any]:
    """Every section of the report that this task and this model have."""
    task, settings, labels = case.recipe.task, case.recipe.evaluate, case.split.labels
    found: dict[str, Any] = {
        "metrics": case.estimate(score_functions(task, labels, case.logits)),
        "slices": slices.measure(
            task,
            tasks.deciding_score(task, None),
            case.split,
            case.logits,
            settings.resamples,
            case.recipe.seed,
        ),
        "mistakes": mistakes(case),
        "attention": attention_maps.look(
            case.trained, case.split, case.answers, settings.mistakes, case.recipe.seed
        ),
    }
    if case.split.second_texts:
        found["counted"] = "pairs"
    match task:
        case Classify():
            predicted = case.logits.argmax(axis=1)
            number = case.logits.shape[1]
            known = labels < len(case.trained.labels)
            found["metrics"]["nll"]["n"] = int(known.sum())
            found["classes"] = classes(case, scores.by_class(labels, predicted, number))
            matrix = confusion_matrix(labels, predicted, number)
            found["confusions"] = confusions(matrix, case.names)
            confidence = case.answers.probabilities.max(axis=1)
            found["calibration"] = calibration.bins(confidence, case.answers.correct)
            if settings.baselines and case.train:
                found["baselines"] = against_class_baselines(case, case.train, predicted)
        case Multilabel():
            predicted = case.answers.probabilities > task.threshold
            found["classes"] = classes(case, scores.by_label(labels > 0, predicted))
        case Regress():
            if settings.baselines and case.train:
                found["baselines"] = against_number_baselines(case, case.train)
    if case.has_ngrams and case.train:
        found |= strongest_ngrams(case.trained, case.train, case.recipe.seed)
    return found


def classes(case: Case, functions: dict[str, Score]) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class that stands in the labels or was predicted."""
    found = case.estimate(functions)
    labels, number = case.split.labels, len(case.names)
    texts = np.bincount(labels, minlength=number) if labels.ndim == 1 else labels.sum(axis=0)
    return [
        {
            "label": name,
            "n": int(texts[c]),
            **{score: found[score]["value"][c] for score in ("precision", "recall", "f1")},
            "f1_low": found["f1"]["low"][c],
            "f1_high": found["f1"]["high"][c],
        }
        for c, name in enumerate(case.names)
        if found["f1"]["value"][c] is not None
    ]


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, number: int) -> np.ndarray:
    """(C, C) counts; the row is the label, the column what was predicted."""
    return np.bincount(labels * number + predicted, minlength=number**2).reshape(number, number)


def confusions(matrix: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    """The commonest confusions, with the share of the label's texts that each takes."""
    wrong = matrix - np.diag(np.diag(matrix))
    found = []
    for place in np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]:
        label, predicted = np.unravel_index(place, wrong.shape)
        if number := int(wrong[label, predicted]):
            share = number / int(matrix[label].sum())
            entry = {"label": names[label], "predicted": names[predicted]}
            found.append(entry | {"n": number, "share": share})
    return found


def mistakes(case: Case) -> list[dict[str, Any]]:
    """The worst mistakes; of a text CNN with the n-grams that made it make them."""
    answers = case.answers
    rows = answers.worst(case.recipe.evaluate.mistakes)
    found = [
        {
            **case.split.origins.of(row),
            "text": case.split.texts[row],
            **({"second_text": case.split.second_texts[row]} if case.split.second_texts else {}),
            "label": answers.labels[row],
            "predicted": answers.predicted[row],
            "wrong": float(answers.wrong[row]),
        }
        for row in rows
    ]
    if len(rows) and case.has_ngrams:
        own = answers.blame.shape[1] - len(case.split.unseen)
        decided = deciding_ngrams(case.trained, case.split, rows, answers.blame[rows, :own])
        for mistake, ngrams in zip(found, decided, strict=True):
            mistake["decided_by"] = ngrams
    return found


def against_class_baselines(
    case: Case, train: Split, predicted: np.ndarray
) -> list[dict[str, Any]]:
    """The baselines' scores on the same split, and the model's accuracy against theirs."""
    labels, number = case.split.labels, case.logits.shape[1]
    learned, asked = texts_or_pairs(train), texts_or_pairs(case.split)
    answers = baselines.predict(learned, train.labels, asked, case.recipe.seed)
    return [
        {
            "baseline": name,
            "metrics": case.estimate(
                {
                    "accuracy": intervals.Share(theirs == labels),
                    "macro_f1": scores.macro(scores.by_class(labels, theirs, number)["f1"]),
                }
            ),
            "against": paired.right(predicted == labels, theirs == labels),
        }
        for name, theirs in answers.items()
    ]


def against_number_baselines(case: Case, train: Split) -> list[dict[str, Any]]:
    """The baselines' scores on the same split, and the model's absolute errors against theirs."""
    seed, resamples = case.recipe.seed, case.recipe.evaluate.resamples
    labels, values = case.split.labels, case.logits[:, 0]
    learned, asked = texts_or_pairs(train), texts_or_pairs(case.split)
    answers = baselines.predict_numbers(learned, train.labels, asked, seed)
    return [
        {
            "baseline": name,
            "metrics": case.estimate(scores.regress(labels, theirs)),
            "against": paired.errors(
                np.abs(values - labels), np.abs(theirs - labels), resamples, seed
            ),
        }
        for name, theirs in answers.items()
    ]


def texts_or_pairs(split: Split) -> list[str] | list[tuple[str, str]]:
    if split.second_texts:
        return list(zip(split.texts, split.second_texts, strict=True))
    return split.texts
