"""The task that a file is for, from the columns that are named and what stands in them."""

import logging
import re
from typing import Any

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
from pipeline.prepare.entities import is_entity
from pipeline.prepare.label_values import as_list, is_missing
from pipeline.recipes import guess_tags
from pipeline.recipes.families import PRETRAINING

DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
log = logging.getLogger("textmill")


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
    if kind in (None, "tag") and not lists and any(map(_has_entities, seen)):
        return Tag(kind="tag", **columns, scheme="bio"), "entities by their places in the texts"
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
    seen = [value for value in seen if not is_missing(value)]
    rows = [row for row in map(as_list, seen) if row is not None]
    if kind == "tag" or (kind is None and lists):
        return _tag(columns, rows)
    if kind is None and "second" not in columns and 2 * len(rows) > len(seen):
        _check_names(columns["label"], rows)
        written = "" if isinstance(seen[0], list) else "lists that were written out as text"
        return Multilabel(kind="multilabel", **columns), written
    return _of_names(kind, columns, seen)


def _of_names(kind: str | None, columns: dict[str, str], seen: list[Any]) -> tuple[Task, str]:
    """The task of values that are names or numbers.

    Raises:
        RecipeError: they look like neither, or may be both.
    """
    names = {str(value).strip() for value in seen}
    commas = any(map(DECIMAL_COMMA.fullmatch, names))
    commas = commas and all(DECIMAL_COMMA.fullmatch(n) or _is_number(n) for n in names)
    if kind is None and commas:
        raise RecipeError(
            f"--label: column {columns['label']!r} holds values such as"
            f" {next(n for n in sorted(names) if ',' in n)!r}: numbers with a decimal comma, or two"
            " labels? Say --task regress, --task multilabel or --task classify"
        )
    separator = _separator(names) if "second" not in columns else None
    if kind == "multilabel":
        return Multilabel(kind="multilabel", **columns, separator=separator or "|"), ""
    if kind is None and separator:
        why = f"{separator!r} joins few labels to {len(names):,} combinations"
        return Multilabel(kind="multilabel", **columns, separator=separator), why
    if kind == "regress" and commas:
        return Regress(kind="regress", **columns, decimal=","), "numbers with a decimal comma"
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


def _tag(columns: dict[str, str], sentences: list[list[Any]]) -> tuple[Task, str]:
    found = guess_tags.spelling(sentences)
    if found.doubt:
        log.warning("worth a look: column %r: %s", columns["label"], found.doubt)
    task = Tag(kind="tag", **columns, scheme=found.scheme, label_names=found.label_names)
    return task, "; ".join(filter(None, [found.why, found.doubt]))


def _check_names(column: str, rows: list[list[Any]]) -> None:
    """
    Raises:
        RecipeError: lists hold numbers that are no labels: measures, or 0 and 1 for each label.
    """
    items = {item for row in rows for item in row if isinstance(item, int | float | str)}
    numbers = {float(item) for item in items if _is_number(str(item))}
    if len(numbers) < len({str(item) for item in items}):
        return
    if any(number % 1 for number in numbers):
        raise RecipeError(
            f"--label: column {column!r} holds lists of numbers with fractions, and no task learns"
            " several numbers: choose a column with one, or insist that they are labels with --task"
            " multilabel"
        )
    lengths = {len(row) for row in rows}
    if numbers and numbers <= {0.0, 1.0} and len(lengths) == 1 and lengths != {1}:
        raise RecipeError(
            f"--label: column {column!r} holds lists of 0 and 1, a place for each label: write the"
            " names of the labels that have a 1, or insist with --task multilabel"
        )


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


def _has_entities(value: Any) -> bool:
    return any(map(is_entity, (as_list(value) or ())[:1]))


def _has_places(value: Any) -> bool:
    """Whether it is an answer, or a list of them: SQuAD's, or a table's."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and "text" in first


def _separator(names: set[str]) -> str | None:
    """What joins labels, if parting the values there leaves fewer different ones.

    At most half as many where it is a comma, which stands in names too.
    """
    for separator, most in ("|", len(names) - 1), (";", len(names) - 1), (",", len(names) // 2):
        parts = {part.strip() for name in names for part in name.split(separator)}
        if len(parts) <= most:
            return separator
    return None


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False
