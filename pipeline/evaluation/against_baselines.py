"""A model against the baselines, on the same examples."""

from typing import Any

import numpy as np

from configs.tasks import Multilabel
from pipeline.data import Split
from pipeline.evaluation import (
    baselines,
    chosen_thresholds,
    intervals,
    label_baselines,
    paired,
    precision_recall,
    scores,
    thresholds,
)
from pipeline.evaluation.case import Case


def of_classes(case: Case, train: Split, predicted: np.ndarray) -> list[dict[str, Any]]:
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


def of_numbers(case: Case, train: Split) -> list[dict[str, Any]]:
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


def of_labels(
    case: Case, train: Split, task: Multilabel, predicted: np.ndarray
) -> list[dict[str, Any]]:
    """The baselines' scores on the same split, and the model's micro F1 against theirs.

    Their thresholds are chosen on the validation split, as the model's. Args: predicted, (N, C).
    """
    true, asked = case.split.labels > 0, texts_or_pairs(case.split)
    found = []
    for name, chances in label_baselines.fit(
        texts_or_pairs(train), train.labels, case.recipe.seed
    ).items():
        chosen = thresholds.fixed(task, train.labels.shape[1])
        if case.valid is not None:
            known = case.valid.labels[:, : len(chosen)]
            chosen = thresholds.choose(task, known, chances(texts_or_pairs(case.valid)))
        answered = np.zeros(true.shape)  # 0 of labels that training lacks
        answered[:, : len(chosen)] = chances(asked)
        theirs = answered > chosen_thresholds.of_split(chosen, case.split)
        functions = {
            "micro_f1": scores.micro_f1_of(true, theirs),
            "macro_f1": scores.macro(scores.by_label(true, theirs)["f1"]),
        }
        against = paired.resampled(
            scores.micro_f1_of(true, predicted),
            functions["micro_f1"],
            len(true),
            case.recipe.evaluate.resamples,
            case.recipe.seed,
        )
        entry = {"baseline": name, "metrics": case.estimate(functions), "against": against}
        found.append(entry | {"precision_recall": precision_recall.curve(true, answered)})
    return found


def texts_or_pairs(split: Split) -> list[str] | list[tuple[str, str]]:
    if split.second_texts:
        return list(zip(split.texts, split.second_texts, strict=True))
    return split.texts
