"""An export's answers to texts, as columns to put beside them in a table."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from configs import loading
from configs.tasks import Classify, Multilabel, Regress, Task
from pipeline import artifacts
from pipeline.publishing import saved_model

TOGETHER = 128  # texts in one call of the model
DECIMALS = 6  # what comes after them depends on the order in which a machine adds


def answerer(export_dir: Path) -> Callable[[Sequence[bytes]], list[dict[str, Any]]]:
    """Load an export; return a function of B texts to B dicts, see `columns`."""
    answer = saved_model.load(export_dir)
    labels = artifacts.read_json(export_dir / "labels.json")
    task = loading.load(export_dir / "recipe.yaml").task
    return lambda texts: columns(in_order_of_length(answer, texts), task, labels)


def in_order_of_length(answer: saved_model.Answer, texts: Sequence[bytes]) -> dict[str, Any]:
    """The answers in the texts' order, computed for texts of like length together: less padding."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    parts = [
        answer([texts[i] for i in order[start : start + TOGETHER]])
        for start in range(0, max(len(texts), 1), TOGETHER)
    ]
    places = np.argsort(order)
    return {name: np.concatenate([part[name] for part in parts])[places] for name in parts[0]}


def columns(outputs: dict[str, Any], task: Task, labels: list[str]) -> list[dict[str, Any]]:
    """B dicts: for classify `predicted_label` and `predicted_score`; for multilabel the lists
    `predicted_labels` and `predicted_scores`, of the labels above the recipe's threshold in the
    order of labels.json; for regress `predicted_value`.
    """
    match task:
        case Classify():
            pairs = zip(outputs["label"].tolist(), outputs["score"].tolist(), strict=True)
            return [
                {"predicted_label": label, "predicted_score": round(score, DECIMALS)}
                for label, score in pairs
            ]
        case Multilabel():
            return [
                {
                    "predicted_labels": [labels[i] for i in np.flatnonzero(row > task.threshold)],
                    "predicted_scores": [
                        round(p, DECIMALS) for p in row[row > task.threshold].tolist()
                    ],
                }
                for row in outputs["probabilities"]
            ]
        case Regress():
            values = outputs["value"].tolist()
            return [{"predicted_value": round(value, DECIMALS)} for value in values]
        case _:
            assert_never(task)
