"""A text CNN's own part of the report: the n-grams it looks for and decides by, in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.data import Split
from pipeline.evaluation import explain, strongest
from pipeline.runs import Trained


def strongest_ngrams(trained: Trained, train: Split, seed: int) -> dict[str, Any]:
    """What the model found in its training split.

    Returns:
        "class_ngrams": for each class {"label", "ngrams": [[words, part in the logit]]}.
        "filters": {"width", "filter", "speaks_for": [[label, weight]], "ngrams": [[words,
            response]]} for the filters with the largest weights.
    """
    kind = trained.recipe.task.kind
    names = ["lower", "higher"] if kind == "regress" else trained.labels

    def in_words(ngrams: list[tuple[strongest.Ngram, float]]) -> list[tuple[str, float]]:
        return [(words(trained, ngram), value) for ngram, value in ngrams]

    classes, filters = strongest.search(trained.model, train, kind, seed)
    return {
        "class_ngrams": [
            {"label": name, "ngrams": in_words(ngrams)}
            for name, ngrams in zip(names, classes, strict=True)
        ],
        "filters": [
            {
                "width": entry["width"],
                "filter": entry["filter"],
                "speaks_for": [
                    (names[c], float(entry["weights"][c]))
                    for c in np.argsort(-entry["weights"])[:3]
                    if entry["weights"][c] > 0
                ],
                "ngrams": in_words(entry["ngrams"]),
            }
            for entry in filters
        ],
    }


def deciding_ngrams(
    trained: Trained, split: Split, rows: np.ndarray, weigh: np.ndarray
) -> list[list[tuple[str, float]]]:
    """For each text [[words, part]], see `explain.deciding`."""
    found = explain.deciding(trained.model, split, rows, weigh)
    answers = []
    for row, windows in zip(rows, found, strict=True):
        tokens = split.ids[row]
        answers.append([(words(trained, tokens[span]), part) for span, part in windows])
    return answers


def words(trained: Trained, ids: Sequence[int] | np.ndarray) -> str:
    """Token ids as text, the way the tokenizer of this kind cuts it."""
    pieces = [trained.tokenizer.vocabulary[i] for i in ids]
    match trained.recipe.text.tokenizer.kind:
        case "wordpiece":
            return " ".join(pieces).replace(" ##", "")
        case "sentencepiece":
            return "".join(pieces).replace("\N{LOWER ONE EIGHTH BLOCK}", " ").strip()
        case "character":
            return "".join(pieces)
        case _:
            return " ".join(pieces)
