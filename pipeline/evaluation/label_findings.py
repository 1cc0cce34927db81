"""What more there is to say where a text may have several labels: thresholds, and a curve."""

from typing import Any

from configs.tasks import Multilabel
from pipeline.evaluation import against_baselines, average_precision, scores
from pipeline.evaluation.case import Case
from pipeline.evaluation.classes import classes


def findings(case: Case, task: Multilabel) -> dict[str, Any]:
    """The sections of the report that only this task has, and the classes."""
    assert case.thresholds is not None
    true, chances = case.split.labels > 0, case.answers.probabilities
    predicted = chances > case.thresholds
    found: dict[str, Any] = {
        "thresholds": dict(zip(case.trained.labels, case.thresholds.tolist(), strict=True)),
        "threshold": task.threshold,
        "chosen_on": len(case.valid) if case.valid is not None else 0,
        "precision_recall": average_precision.curve(true, chances),
        "classes": [
            {
                **entry,
                "threshold": float(case.thresholds[case.trained.labels.index(entry["label"])]),
            }
            for entry in classes(case, scores.by_label(true, predicted))
        ],
    }
    if case.recipe.evaluate.baselines:
        found["baselines"] = against_baselines.of_labels(case, task, predicted)
    return found
