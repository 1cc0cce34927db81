"""From which probability on a text is said to have a label, where it may have several.

At 0.5 labels that are rare are hardly ever said. So the thresholds are those with the best F1 on
the validation split: one for all labels, for micro F1, or one for each.
Source: Yang 2001, https://doi.org/10.1145/383952.383975 (SCut), for one of each label, which rare
labels are overfitted by; so those below FEWEST keep the one for all.
"""

from typing import Any

import numpy as np

from configs.tasks import Multilabel

DEFAULT = 0.5  # where there is nothing to choose by
FEWEST = 10  # validation examples of a label, for a threshold of its own


def fixed(task: Multilabel, number: int) -> np.ndarray:
    """(C,) of the recipe's own threshold, or where it wants one to be chosen, 0.5."""
    return np.full(number, DEFAULT if isinstance(task.threshold, str) else task.threshold)


def choose(task: Multilabel, labels: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """(C,) thresholds for (N, C) labels of 0 and 1 and (N, C) probabilities."""
    if not isinstance(task.threshold, str):
        return fixed(task, labels.shape[1])
    overall = best(labels.ravel(), chances.ravel())
    if task.threshold == "one":
        return np.full(labels.shape[1], overall)
    return np.array(
        [
            best(own, each) if own.sum() >= FEWEST else overall
            for own, each in zip(labels.T, chances.T, strict=True)
        ]
    )


def in_words(report: dict[str, Any]) -> str:
    """How a report's model chooses the labels of a text."""
    values, number = list(report["thresholds"].values()), report["chosen_on"]
    if report["threshold"] == "per_label" and number:
        return (
            "A text gets the labels with a probability above a threshold of their own,"
            f" {min(values):.3g} to {max(values):.3g}: the ones of the best F1 on the {number:,}"
            f" validation texts, but for labels of fewer than {FEWEST} of these, which share one."
        )
    why = "as the recipe says"
    if isinstance(report["threshold"], str):
        why = f"the threshold of the best micro F1 on the {number:,} validation texts"
        if not number:
            why = "for there is no validation split here to choose a threshold on"
    return f"A text gets the labels with a probability above {values[0]:.3g}, {why}."


def best(labels: np.ndarray, chances: np.ndarray) -> float:
    """Between the probabilities (N,) of those labels (N,) that best F1 wants and of the next ones.

    Of several that are as good the highest; 0.5 where no threshold finds a label.
    """
    order = np.argsort(-chances, kind="stable")
    values, right = chances[order].astype(float), np.cumsum(labels[order])
    f1 = 2 * right / (np.arange(1, len(order) + 1) + right[-1])
    f1[:-1][values[1:] == values[:-1]] = 0.0  # which no threshold parts
    place = int(f1.argmax())
    if f1[place] == 0:
        return DEFAULT
    below = values[place + 1] if place + 1 < len(values) else 0.0
    return float((values[place] + below) / 2)
