"""A trained model's answers to the span questions of a split, measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from configs.recipe import Recipe
from configs.tasks import Span
from pipeline import batching, data
from pipeline.evaluation import intervals, scores, slices, span_scores
from pipeline.evaluation.intervals import Score
from pipeline.evaluation.judge import example_ids
from pipeline.evaluation.measured import Measured
from pipeline.predictions import Forward
from pipeline.questions import Questions
from pipeline.runs import Trained
from pipeline.span_predictions import Predicted, predict


@dataclass(frozen=True)
class Answered:
    """B questions, with what was answered and how good that is: `exact` and `f1`, (B,)."""

    asked: Questions
    task: Span
    predicted: Predicted
    exact: np.ndarray
    f1: np.ndarray
    resamples: int
    seed: int

    @property
    def golds(self) -> list[list[str]]:
        return [self.asked.answers[row] for row in range(len(self.asked))]

    @property
    def answerable(self) -> np.ndarray:
        return self.asked.answers.numbers.lengths > 0

    def estimate(self, functions: dict[str, Score], number: int) -> dict[str, Any]:
        return intervals.estimate(functions, number, self.resamples, self.seed)


def measure(recipe: Recipe, task: Span, trained: Trained, prepared: Path, name: str) -> Measured:
    """Let the model answer the split, and say how good the answers are."""
    split = data.load(prepared, name, recipe, 0, columns=recipe.evaluate.slices)
    forward = Forward(trained.model, tf.distribute.get_strategy(), batching.signature(split))
    case = judged(split.asked, task, predict(forward, split, task), recipe)
    return Measured(findings(case, recipe.evaluate.mistakes), table(case), {})


def judged(asked: Questions, task: Span, predicted: Predicted, recipe: Recipe) -> Answered:
    golds = [asked.answers[row] for row in range(len(asked))]
    found = span_scores.scores(predicted.given, golds, task.impossible)
    return Answered(asked, task, predicted, *found, recipe.evaluate.resamples, recipe.seed)


def findings(case: Answered, mistakes: int) -> dict[str, Any]:
    """Every section of the report."""
    every = np.arange(len(case.asked))
    found: dict[str, Any] = {
        "counted": "questions",
        "metrics": figures(case, every),
        "windows": len(case.asked.windows.rows),
        "slices": [
            {"by": by, "part": part, **figures(case, rows)["f1"]}
            for by, part, rows in slices.parts(case.asked.split)
        ],
        "mistakes": worst(case, mistakes),
    }
    if case.task.impossible:
        kinds = (("with an answer", case.answerable), ("without", ~case.answerable))
        found["answerable"] = [
            {"part": part, "questions": int(own.sum()), **figures(case, np.flatnonzero(own))}
            for part, own in kinds
            if own.any()
        ]
        found["thresholds"] = thresholds(case)
    return found


def figures(case: Answered, rows: np.ndarray) -> dict[str, Any]:
    """F1 and exact match of some questions."""
    functions: dict[str, Score] = {
        "f1": scores.mean(case.f1[rows]),
        "exact": intervals.Share(case.exact[rows] > 0),
    }
    return case.estimate(functions, len(rows))


def thresholds(case: Answered) -> list[dict[str, Any]]:
    """What `task.threshold` would have been best for each score, and that score."""
    best, margins = case.predicted.best, case.predicted.margins
    answered = np.array([bool(text) for text in best])
    exact, f1 = span_scores.scores(best, case.golds, impossible=True)
    found = []
    for name, each in (("f1", f1), ("exact", exact)):
        reached = span_scores.best_threshold(each, answered, case.answerable, margins)
        found.append({"for": name, **reached._asdict()})
    return found


def worst(case: Answered, number: int) -> list[dict[str, Any]]:
    """The mistakes that it was surest of."""
    how_wrong = (1.0 - case.f1) * case.predicted.chances
    order = np.argsort(-how_wrong, kind="stable")[:number]
    split, golds = case.asked.split, case.golds
    return [
        {
            **split.origins.of(row),
            "text": split.texts[row],
            "second_text": split.second_texts[row],
            "label": list(dict.fromkeys(golds[row])) or ["(no answer)"],
            "predicted": case.predicted.given[row] or "(no answer)",
            "wrong": float(how_wrong[row]),
        }
        for row in order
        if how_wrong[row] > 0
    ]


def table(case: Answered) -> pd.DataFrame:
    """One row a question; `example` is the same for the same question and context in every run.

    `margin` is how much more no answer scores than the best one.
    """
    split = case.asked.split
    columns: dict[str, Any] = {
        "example": example_ids(split.texts, split.second_texts),
        **split.origins.columns(),
        "id": case.asked.ids,
        "text": split.texts,
        "label": case.golds,
        "predicted": case.predicted.given,
        "best": case.predicted.best,
        "margin": case.predicted.margins,
        "score": case.predicted.chances,
        "exact": case.exact,
        "f1": case.f1,
        "correct": case.exact > 0,
    }
    return pd.DataFrame(columns | {f"column/{name}": c for name, c in split.columns.items()})
