"""An export's answers to texts, as columns to put beside them in a table."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from configs import loading
from configs.loading import RecipeError
from configs.tasks import (
    Classify,
    LanguageModel,
    MaskedLanguageModel,
    Multilabel,
    Regress,
    Span,
    Tag,
    Task,
)
from pipeline import artifacts
from pipeline.finding_runs import THRESHOLDS
from pipeline.publishing import saved_model

TOGETHER = 128  # rows in one call of the model
DECIMALS = 6  # what comes after them depends on the order in which a machine adds
SPAN = ("label", "begin", "end")
SCORE_OF = "predicted_score_of_"

Words = tuple[bytes, ...]
Row = tuple[bytes | Words, ...]  # a text, the two of a pair, or words to tag that are given


def answerer(export_dir: Path, all_scores: bool = False) -> Callable[[Sequence[Row]], list[dict]]:
    """Load an export; return a function of B rows to B dicts, see `columns`.

    Args: all_scores, whether a score for each label comes along, see `score_columns`.

    Raises:
        JobError: its files have changed since it was made.
    """
    artifacts.check(export_dir)
    answer = saved_model.load(export_dir)
    labels = artifacts.read_json(export_dir / "labels.json")
    task = loading.load(export_dir / "recipe.yaml").task
    said = export_dir / THRESHOLDS
    thresholds = artifacts.read_json(said) if said.is_file() else None

    def answers(rows: Sequence[Row]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = [{}] * len(rows)
        for signature, kind in (("serving_default", bytes), ("words", tuple)):
            places = [i for i, row in enumerate(rows) if isinstance(row[0], kind)]
            if places:
                asked = [rows[i] for i in places]
                outputs = in_order_of_length(partial(answer, signature=signature), asked)
                answered = columns(outputs, task, labels, thresholds)
                if all_scores:
                    scores = score_columns(outputs, labels)
                    answered = [a | s for a, s in zip(answered, scores, strict=True)]
                for i, row in zip(places, answered, strict=True):
                    found[i] = row
        return found

    return answers


def names(task: Task, labels: Sequence[str], all_scores: bool) -> tuple[str, ...]:
    """The columns that answers have, in order.

    Raises:
        RecipeError: all labels' scores of a task that has none for a text.
    """
    if all_scores and not isinstance(task, Classify | Multilabel):
        raise RecipeError(
            f"--all-scores: only classify and multilabel score each label, got {task.kind}"
        )
    match task:
        case Classify():
            own = ["label", "score"]
        case Multilabel():
            own = ["labels", "scores"]
        case Regress():
            own = ["value"]
        case Tag(scheme=scheme):
            own = ["words", "tags", "scores", *(["spans"] if scheme != "plain" else []), "unread"]
        case Span():
            own = ["answer", "score"]
        case LanguageModel():
            own = ["perplexity"]
        case MaskedLanguageModel():
            own = ["tokens", "scores"]
        case _:
            assert_never(task)
    return (
        *(f"predicted_{name}" for name in own),
        *(SCORE_OF + label for label in labels if all_scores),
    )


def score_columns(outputs: dict[str, Any], labels: Sequence[str]) -> list[dict[str, float]]:
    """B dicts of each label's probability, named `predicted_score_of_LABEL`."""
    return [
        {SCORE_OF + label: round(p, DECIMALS) for label, p in zip(labels, row, strict=True)}
        for row in outputs["probabilities"].tolist()
    ]


def in_order_of_length(answer: saved_model.Answer, rows: Sequence[Row]) -> dict[str, Any]:
    """The answers in the rows' order, computed for rows of like length together: less padding."""
    order = np.argsort([sum(map(len, row)) for row in rows], kind="stable")
    parts = []
    for start in range(0, len(rows), TOGETHER):
        together = [rows[i] for i in order[start : start + TOGETHER]]
        parts.append(answer(*zip(*together, strict=True)))
    places = np.argsort(order)
    return {name: _joined([part[name] for part in parts], places) for name in parts[0]}


def _joined(parts: list[Any], places: np.ndarray) -> Any:
    if isinstance(parts[0], list):
        rows = [row for part in parts for row in part]
        return [rows[place] for place in places]
    return np.concatenate(parts)[places]


def columns(
    outputs: dict[str, Any],
    task: Task,
    labels: list[str],
    thresholds: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """B dicts: for classify `predicted_label` and `predicted_score`; for multilabel the lists
    `predicted_labels` and `predicted_scores`, of the labels above their thresholds in the order
    of labels.json; for regress `predicted_value`; for
    language_model `predicted_perplexity`; for masked_language_model the lists `predicted_tokens`
    and `predicted_scores`, the likeliest token of each [MASK]; for tag the lists `predicted_words`,
    `predicted_tags` and `predicted_scores`, and unless the scheme is plain `predicted_spans` of
    {"label", "begin", "end"}, in code points of the text, given words joined by spaces, and
    `predicted_unread`, how many words come after the last that the model reads.

    Args: thresholds, of the labels by name; exports of before have one for all, the recipe's.
    """
    match task:
        case Classify():
            pairs = zip(outputs["label"].tolist(), outputs["score"].tolist(), strict=True)
            return [
                {"predicted_label": label, "predicted_score": round(score, DECIMALS)}
                for label, score in pairs
            ]
        case Multilabel():
            least = [thresholds[n] if thresholds else task.threshold for n in labels]
            passes = outputs["probabilities"] > np.array(least, np.float32)
            return [
                {
                    "predicted_labels": [labels[i] for i in np.flatnonzero(passing)],
                    "predicted_scores": [round(p, DECIMALS) for p in row[passing].tolist()],
                }
                for row, passing in zip(outputs["probabilities"], passes, strict=True)
            ]
        case Regress():
            values = outputs["value"].tolist()
            return [{"predicted_value": round(value, DECIMALS)} for value in values]
        case Tag():
            rows = zip(*outputs.values(), strict=True)
            return [_tagged(dict(zip(outputs, row, strict=True))) for row in rows]
        case Span():
            pairs = zip(outputs["answer"].tolist(), outputs["score"].tolist(), strict=True)
            return [
                {"predicted_answer": answer, "predicted_score": round(score, DECIMALS)}
                for answer, score in pairs
            ]
        case LanguageModel():
            return [
                {"predicted_perplexity": round(p, DECIMALS)} for p in outputs["perplexity"].tolist()
            ]
        case MaskedLanguageModel():
            pairs = zip(outputs["tokens"], outputs["scores"], strict=True)
            return [
                {
                    "predicted_tokens": [best[0] for best in tokens],
                    "predicted_scores": [round(best[0], DECIMALS) for best in scores],
                }
                for tokens, scores in pairs
            ]
        case _:
            assert_never(task)


def _tagged(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "predicted_words": row["words"],
        "predicted_tags": row["tags"],
        "predicted_scores": [round(score, DECIMALS) for score in row["scores"]],
    }
    if "span_labels" in row:
        spans = zip(row["span_labels"], row["span_begins"], row["span_ends"], strict=True)
        found["predicted_spans"] = [dict(zip(SPAN, span, strict=True)) for span in spans]
    if "unread" in row:  # exports of before do not say
        found["predicted_unread"] = int(row["unread"])
    return found
