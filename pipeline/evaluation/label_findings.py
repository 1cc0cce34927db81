"""What more there is to say where a text may have several labels: thresholds, and a curve."""

from typing import Any

from configs.tasks import Multilabel
from pipeline.evaluation import against_baselines, precision_recall, scores
from pipeline.evaluation.case import Case
from pipeline.evaluation.classes import classes


def findings(case: Case, task: Multilabel) -> dict[str, Any]:
    """The sections of the report that only this task has, and the classes."""
    assert case.thresholds is not None
    true, chances = case.split.labels > 0, case.answers.probabilities
    predicted = chances > case.thresholds
    own = dict(zip(case.trained.labels, case.thresholds.tolist(), strict=False))
    found: dict[str, Any] = {
        "thresholds": own,
        "threshold": task.threshold,
        "chosen_on": 0 if case.valid is None else len(case.valid),
        "precision_recall": precision_recall.curve(true, chances),
        "classes": [
            {**entry, "threshold": own.get(entry["label"])}
            for entry in classes(case, scores.by_label(true, predicted))
        ],
    }
    if case.recipe.evaluate.baselines and case.train:
        found["baselines"] = against_baselines.of_labels(case, case.train, task, predicted)
    return found
