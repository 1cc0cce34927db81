"""A trained tagger's answers to a split, measured."""

from pathlib import Path
from typing import Any

import pandas as pd

from configs.recipe import Recipe
from configs.tasks import Tag
from pipeline import data, predictions
from pipeline.evaluation import pictures, slices, tagging
from pipeline.evaluation.judge import example_ids
from pipeline.evaluation.measured import Measured
from pipeline.evaluation.tagging import Tagged
from pipeline.evaluation.tagging_scores import right_words
from pipeline.runs import Trained
from pipeline.tasks import decoder


def measure(recipe: Recipe, task: Tag, trained: Trained, prepared: Path, name: str) -> Measured:
    """Let the model answer the split, and say how good the answers are."""
    settings, labels = recipe.evaluate, trained.labels
    split = data.load(prepared, name, recipe, len(labels), columns=settings.slices)
    learned = trained.prepared
    train = data.load(learned, "train", recipe, len(labels)) if learned else None
    decode = decoder(task, labels)
    names = [*labels, *split.unseen]
    answers, chances = predictions.tags(trained.model, split, decode)
    case = Tagged(
        task.scheme,
        words(split),
        tags(split.labels, names),
        tags(answers, labels),
        [chances[row].tolist() for row in range(len(split))],
        words(train) if train else [],
        tags(train.labels, labels) if train else [],
        settings.resamples,
        recipe.seed,
        split.origins,
    )
    parts = slices.parts(split)
    found = tagging.findings(case, parts, settings.mistakes, settings.baselines)
    return Measured(found, table(case, split), draw(case, found))


def words(split: data.Split) -> list[list[str]]:
    """As they were given, without those that were cut off."""
    assert split.words is not None
    return [split.words[row] for row in range(len(split))]


def tags(numbers: data.Sequences, labels: list[str]) -> list[list[str]]:
    return [[labels[number] for number in numbers[row]] for row in range(len(numbers))]


def table(case: Tagged, split: data.Split) -> pd.DataFrame:
    """One row a sentence: its words' tags, those answered, their probabilities.

    `example` is the same for the same text in every run, so that runs can be joined by it.
    """
    columns: dict[str, Any] = {
        "example": example_ids(split.texts),
        **split.origins.columns(),
        "text": split.texts,
        "label": case.gold,
        "predicted": case.predicted,
        "scores": case.confidences,
        "correct": [all(words) for words in right_words(case.gold, case.predicted)],
    }
    return pd.DataFrame(columns | {f"column/{name}": c for name, c in split.columns.items()})


def draw(case: Tagged, found: dict[str, Any]) -> dict[str, Any]:
    drawn = pictures.calibration(found["calibration"], "words")
    if case.scheme == "plain":
        names, matrix = tagging.tag_matrix(case)
        drawn["confusion"] = pictures.confusion(matrix, names)
    return drawn
