"""The thresholds of a trained run's labels, chosen on its validation split."""

import logging
from pathlib import Path

import numpy as np
from scipy.special import expit

from configs.recipe import Recipe
from configs.tasks import Multilabel
from pipeline import artifacts, data, predictions
from pipeline.evaluation import thresholds
from pipeline.evaluation.verdict import REPORT
from pipeline.runs import Trained

log = logging.getLogger("textmill")


def of_run(recipe: Recipe, trained: Trained, run_dir: Path) -> np.ndarray | None:
    """(C,) with which a run was evaluated, or would be; None where a text has one label."""
    path = run_dir / REPORT
    report = artifacts.read_json(path) if path.is_file() else {}
    if "thresholds" in report:
        return np.array([report["thresholds"][label] for label in trained.labels])
    return chosen(recipe, trained, valid_split(recipe, trained))


def chosen(recipe: Recipe, trained: Trained, valid: data.Split | None) -> np.ndarray | None:
    """The same, by the model's answers to the validation split. Args: valid, see `valid_split`."""
    task, number = recipe.task, len(trained.labels)
    if not isinstance(task, Multilabel):
        return None
    if valid is not None:
        chances = expit(predictions.logits(trained.model, valid))
        return thresholds.choose(task, valid.labels, chances)
    if isinstance(task.threshold, str):
        log.info(
            "a text has the labels with a probability above %s: there is no validation split to"
            " choose thresholds on",
            thresholds.DEFAULT,
        )
    return thresholds.fixed(task, number)


def valid_split(recipe: Recipe, trained: Trained) -> data.Split | None:
    """The validation split, if there is one and thresholds are to be chosen on it."""
    task, splits = recipe.task, artifacts.manifest(trained.prepared)["splits"]
    if not isinstance(task, Multilabel) or not isinstance(task.threshold, str):
        return None
    if not splits.get("valid", {}).get("examples"):
        return None
    sequences = "types" in trained.model.input
    return data.load(trained.prepared, "valid", recipe, len(trained.labels), sequences=sequences)
