"""From which probability on a trained model gives each label, where a text may have several."""

import logging
from pathlib import Path

import numpy as np
from scipy.special import expit

from configs.recipe import Recipe
from configs.tasks import Multilabel
from pipeline import artifacts, data, predictions
from pipeline.evaluation import thresholds
from pipeline.evaluation.judge import with_unseen
from pipeline.evaluation.verdict import REPORT
from pipeline.runs import Trained

log = logging.getLogger("textmill")


def of_run(trained: Trained, run_dir: Path) -> np.ndarray | None:
    """(C,) with which a run was evaluated, or would be; None where a text has one label."""
    path = run_dir / REPORT
    report = artifacts.read_json(path) if path.is_file() else {}
    if isinstance(trained.recipe.task, Multilabel) and "thresholds" in report:
        return np.array([report["thresholds"][label] for label in trained.labels])
    return chosen(trained.recipe, trained, valid_split(trained.recipe, trained))


def chosen(recipe: Recipe, trained: Trained, valid: data.Split | None) -> np.ndarray | None:
    """(C,): as the recipe or the export says, or chosen by the answers to the validation split.

    None where a text has one label. Args: valid, see `valid_split`.
    """
    task, number = recipe.task, len(trained.labels)
    if not isinstance(task, Multilabel):
        return None
    if isinstance(task.threshold, str):
        if trained.thresholds is not None:
            return np.array([trained.thresholds[label] for label in trained.labels])
        if valid is not None:
            logits = with_unseen(predictions.logits(trained.model, valid), valid)
            return thresholds.choose(task, valid.labels, expit(logits))[:number]
        log.info(
            "a text has the labels with a probability above %s: there is no validation split to"
            " choose thresholds on",
            thresholds.DEFAULT,
        )
    return thresholds.fixed(task, number)


def of_split(found: np.ndarray | None, split: data.Split) -> np.ndarray | None:
    """The same, with 1 for each label that training lacks, which is never given."""
    return None if found is None else np.append(found, np.ones(len(split.unseen)))


def valid_split(recipe: Recipe, trained: Trained) -> data.Split | None:
    """The validation split, if there is one and thresholds are to be chosen on it."""
    task, learned = recipe.task, trained.prepared
    if learned is None or not isinstance(task, Multilabel) or not isinstance(task.threshold, str):
        return None
    if not artifacts.manifest(learned)["splits"].get("valid", {}).get("examples"):
        return None
    sequences = "types" in trained.model.input
    return data.load(learned, "valid", recipe, len(trained.labels), sequences=sequences)
