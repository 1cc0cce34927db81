"""Settings that suit a file, each with the reason that `textmill new` writes above it."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from statistics import quantiles
from typing import Any, Literal

from configs.data import Data
from configs.loading import RecipeError
from configs.tasks import Classify, LanguageModel, Multilabel, Regress, Tag, Task
from pipeline.recipes.look import SPACELESS, Look

Setting = tuple[str, Any, str]  # key, value, why
Scheme = Literal["plain", "iob1", "bio", "bioes"]


def task(
    kind: str | None, columns: dict[str, str], lists: bool, seen: list[Any]
) -> tuple[Task, str]:
    """The task, of a kind given or guessed, and why.

    Args: columns, by the setting that names them: text, perhaps second, and label unless there is
        none to be learned; lists, whether the column of texts holds lists of words; seen, the
        values in the column of labels.

    Raises:
        RecipeError: the values look like no labels, or the columns do not suit the kind.
    """
    if "label" not in columns and kind not in (None, "language_model"):
        raise RecipeError(f"--task {kind} needs --label, the column with what is to be learned")
    if "second" in columns and kind not in (None, "classify", "regress"):
        raise RecipeError(f"--second: pairs are to classify or to regress, not for {kind}")
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


def data_settings(data: Data, found: Look) -> Iterator[Setting]:
    bad = sum(found.bad.values())
    reasons = ", ".join(f"{n:,} with {reason}" for reason, n in found.bad.most_common())
    yield (
        "train",
        _one_or_many(data.train),
        f"{found.examples:,} usable rows"
        + ("" if found.whole else ", and more that were not looked at")
        + (f"; not usable: {reasons}" if bad else "")
        + (f"; {found.repeated:,} repeat an earlier text" if found.repeated else ""),
    )
    yield "valid", 0.1, "a tenth of the training texts, cut by a hash of the text"
    if isinstance(data.test, tuple):
        yield "test", _one_or_many(data.test), ""
    else:
        yield "test", 0.1, "no test file was given, so another tenth"
    share = bad / (bad + found.examples)
    if share > 0.005:
        most = min(1.0, round(2 * share, 3))
        yield "max_bad", most, f"{share:.1%} of the rows are not usable; look at them first"


def text_settings(task: Task, found: Look) -> Iterator[Setting]:
    if found.tagged > 0.01 * found.examples and task.kind != "tag":
        yield "html", True, f"{found.tagged / found.examples:.0%} of the texts hold HTML tags"
    if task.kind == "language_model":
        yield "lower", False, "characters of words tell more as they are; documents are never cut"
        yield "tokenizer", {"kind": "word"}, f"{len(found.words):,} different words"
        return
    usual = round(quantiles([*found.lengths, found.lengths[0]], n=100, method="inclusive")[98])
    why = f"99% of the texts have at most {usual} words, the longest {max(found.lengths)}"
    yield "max_length", min(512, 8 * -(-max(usual, 8) // 8)), f"{why}; the rest is cut off"
    spaceless = sum(n for word, n in found.words.items() if re.match(f"[{SPACELESS}]", word))
    if spaceless > found.words.total() / 2:
        why = "no spaces between words, so pieces are learned from the characters"
        yield "tokenizer", {"kind": "sentencepiece"}, why
    else:
        once = sum(n == 1 for n in found.words.values())
        why = f"{len(found.words):,} different words, {once:,} of them seen once"
        min_count = 2 if len(found.words) > 30_000 else 1
        yield "tokenizer", {"kind": "word", "min_count": min_count}, why


def task_settings(task: Task, why: str, found: Look) -> Iterator[Setting]:
    yield "kind", task.kind, why
    for column in ("text", "second", "label"):
        if (name := getattr(task, column, None)) is not None:
            yield column, name, ""
    if task.kind == "tag":
        yield "scheme", task.scheme, ""
        yield "decoder", "softmax" if task.scheme == "plain" else "crf", ""
    if task.kind == "multilabel":
        yield "separator", task.separator, "unless rows hold lists"
    if task.kind == "classify":
        ranked = found.labels.most_common()
        (first, most), (last, least) = ranked[0], ranked[-1]
        rare = most > 10 * least
        why = f"{first!r} stands {most:,} times, {last!r} {least:,} times"
        yield "class_weights", "balanced" if rare else "none", why


def train_settings(task: Task, found: Look) -> Iterator[Setting]:
    if task.kind == "language_model":
        batch, window = 32, 35
        steps = found.words.total() // (batch * window)
        yield "batch_size", batch, f"rows of running text; about {max(1, steps):,} steps an epoch"
        yield "window", window, "words of each row in a step"
        yield "epochs", 4, ""
        yield "clip_norm", 5.0, ""
        return
    batch = 32 if found.examples < 5_000 else 64 if found.examples < 100_000 else 256
    epochs = 30 if found.examples < 20_000 else 10 if found.examples < 100_000 else 4
    yield "batch_size", batch, f"about {max(1, found.examples // batch):,} steps an epoch"
    yield "epochs", epochs, "at most: training stops when validation gets no better any more"
    yield "early_stopping", {"patience": 3}, ""


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


def _one_or_many(paths: tuple[str, ...]) -> Any:
    return paths[0] if len(paths) == 1 else list(paths)
