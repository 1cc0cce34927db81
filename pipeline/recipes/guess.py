"""The task that a file is for, from the columns that are named and what stands in them."""

from collections import Counter
from itertools import pairwise
from typing import Any, Literal

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
from pipeline.recipes.families import PRETRAINING

Scheme = Literal["plain", "iob1", "bio", "bioes"]


def task(
    kind: str | None, columns: dict[str, str], lists: bool, seen: list[Any], named: bool
) -> tuple[Task, str]:
    """The task, of a kind given or guessed, and why.

    Args: columns, by the setting that names them: text, perhaps second, and label unless there is
        none to be learned; lists, whether the column of texts holds lists of words; seen, the
        values in the column of labels; named, whether there is a column id.

    Raises:
        RecipeError: the values look like no labels, or the columns do not suit the kind.
    """
    if "label" not in columns and kind not in (None, *PRETRAINING):
        raise RecipeError(f"--task {kind} needs --label, the column with what is to be learned")
    if kind == "span" or (kind is None and any(map(_has_places, seen))):
        return _span(columns, seen, named), "labels are parts of texts, and where they begin"
    if "second" in columns and kind not in (None, "classify", "regress"):
        raise RecipeError(
            f"--second: pairs are to classify, to regress, or question and context, not for {kind}"
        )
    if kind == "masked_language_model":
        # Pairs want documents of several sentences, which not all files have.
        return MaskedLanguageModel(kind=kind, text=columns["text"], pairs="none"), "hidden words"
    if kind == "language_model" or "label" not in columns:
        return LanguageModel(kind="language_model", text=columns["text"]), "the next word"
    if kind == "tag" or (kind is None and lists):
        scheme, why = _scheme([tags for tags in seen if isinstance(tags, list)])
        return Tag(kind="tag", **columns, scheme=scheme), why
    names = {str(value).strip() for value in seen}
    one_text = "second" not in columns
    separator = _separator(names) if one_text else None
    if kind == "multilabel" or (kind is None and any(isinstance(value, list) for value in seen)):
        return Multilabel(kind="multilabel", **columns, separator=separator or "|"), ""
    if kind is None and separator:
        why = f"{separator!r} joins few labels to {len(names):,} combinations"
        return Multilabel(kind="multilabel", **columns, separator=separator), why
    numbers = [float(name) for name in names if _is_number(name)]
    measured = len(numbers) == len(names) and (len(names) > 100 or any(n % 1 for n in numbers))
    if kind == "regress" or (kind is None and measured):
        return Regress(kind="regress", **columns), f"{len(names):,} different numbers"
    if kind is None and not 2 <= len(names) <= max(20, len(seen) / 2):
        raise RecipeError(
            f"--label: column {columns['label']!r} has {len(names):,} different values in"
            f" {len(seen):,} rows, which look like no labels: choose another column, or insist with"
            " --task classify"
        )
    return Classify(kind="classify", **columns), f"{len(names):,} different labels"


def _span(columns: dict[str, str], seen: list[Any], named: bool) -> Span:
    """
    Raises:
        RecipeError: the columns do not suit.
    """
    if "second" not in columns:
        raise RecipeError(
            "--label: the column holds answers and where they begin; say --text QUESTIONS and"
            " --second CONTEXTS"
        )
    none = any(not value or (isinstance(value, dict) and not value.get("text")) for value in seen)
    return Span(
        kind="span",
        question=columns["text"],
        context=columns["second"],
        answers=columns["label"],
        id="id" if named else None,
        impossible=none,
    )


def _has_places(value: Any) -> bool:
    """Whether it is an answer, or a list of them: SQuAD's, or a table's."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and "text" in first


def _scheme(sentences: list[list[Any]]) -> tuple[Scheme, str]:
    """How tags spell spans, and why."""
    rows = [[str(tag) for tag in tags] for tags in sentences]
    names = {tag for tags in rows for tag in tags} - {"O"}
    marks = {name[:2] for name in names}
    if not names or not marks <= {"B-", "I-", "E-", "S-"}:
        return "plain", f"{len(names):,} different tags"
    if marks & {"E-", "S-"}:
        return "bioes", "tags for the end of a span, or for one of a single word"
    # In IOB1 a span begins with B- only right after another one of its kind.
    begins = Counter(
        tag[:2]
        for tags in rows
        for before, tag in pairwise(["O", *tags])
        if tag != "O" and before[2:] != tag[2:]
    )
    if begins["I-"] > begins["B-"]:
        return "iob1", "most spans begin with I-"
    return "bio", "spans begin with B-"


def _separator(names: set[str]) -> str | None:
    """What joins labels, if parting the values there leaves at most half as many different ones."""
    for separator in "|;,":
        parts = {part.strip() for name in names for part in name.split(separator)}
        if 2 * len(parts) <= len(names):
            return separator
    return None


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False
