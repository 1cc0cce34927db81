"""What there is to say of a trained model's answers to a split, as the JSON of the report."""

from typing import Any

import numpy as np

from configs.tasks import Classify, Multilabel, Regress
from pipeline import tasks
from pipeline.evaluation import (
    against_baselines,
    attention_maps,
    calibration,
    label_findings,
    scores,
    slices,
)
from pipeline.evaluation.case import Case
from pipeline.evaluation.classes import classes
from pipeline.evaluation.decisions import deciding_ngrams, strongest_ngrams
from pipeline.evaluation.judge import score_functions

MOST_CONFUSIONS = 20


def findings(case: Case) -> dict[str, Any]:
    """Every section of the report that this task and this model have."""
    task, settings, labels = case.recipe.task, case.recipe.evaluate, case.split.labels
    found: dict[str, Any] = {
        "metrics": case.estimate(score_functions(task, labels, case.logits, case.thresholds)),
        "slices": slices.measure(
            task,
            tasks.deciding_score(task, None),
            case.split,
            case.logits,
            case.thresholds,
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
                found["baselines"] = against_baselines.of_classes(case, case.train, predicted)
        case Multilabel():
            found |= label_findings.findings(case, task)
        case Regress():
            if settings.baselines and case.train:
                found["baselines"] = against_baselines.of_numbers(case, case.train)
    if case.has_ngrams and case.train:
        found |= strongest_ngrams(case.trained, case.train, case.recipe.seed)
    return found


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
