"""The sections of a recipe that suit a file, each setting with the reason that stands above it."""

from collections.abc import Iterator, Mapping
from statistics import quantiles
from typing import Any

from configs.data import Data
from configs.loading import RecipeError
from configs.models import Model
from configs.tasks import Span, Task
from configs.transformers import Bert, Gpt, Transformer
from pipeline.prepare.doubtful_labels import doubts
from pipeline.recipes import told
from pipeline.recipes.families import EXAMPLE, PRETRAINING, Setting
from pipeline.recipes.look import Look
from pipeline.recipes.writing_of_files import Ways

MOST_BAD = 0.05  # of the rows, that a recipe is written for unasked
PIECES = 1.5  # of a word, or so
SPACELESS = 0.1  # of the letters; from there pieces are better: benchmarks/texts_without_spaces.py
LONGEST = 512  # tokens that are proposed at most
WINDOW = 384  # tokens in which BERT reads SQuAD


def of_data(data: Data, looks: Mapping[str, Look], ways: Ways) -> Iterator[Setting]:
    """Args: looks, by split, at the files of those that have files of their own; ways, in which
    these are written.

    Raises:
        RecipeError: more rows than `data.max_bad`, or `MOST_BAD`, cannot be used.
    """
    found = looks["train"]
    yield "train", _one_or_many(data.train), told.rows(found)
    fractions = {
        "valid": "a tenth of the training texts, cut by a hash of the text",
        "test": "no test file was given, so another tenth",
    }
    for split, why in fractions.items():
        given = getattr(data, split)
        if split in looks:
            yield split, _one_or_many(given), told.rows(looks[split], found)
        else:
            yield split, given, why
    if data.format != "auto":
        yield "format", data.format, ""
    for key in ("encoding", "delimiter", "quoting"):
        if key in ways or key in data.model_fields_set:
            yield key, getattr(data, key), ways[key][1] if key in ways else ""
    bad = sum(look.bad.total() for look in looks.values())
    share = bad / (bad + sum(look.examples for look in looks.values()))
    said = "max_bad" in data.model_fields_set
    allowed = data.max_bad if said else MOST_BAD
    if share > allowed:
        raise RecipeError(told.too_many_bad(looks, share, allowed))
    if said or share > 0.005:
        most = allowed if said else min(allowed, round(2 * share, 3))
        yield "max_bad", most, f"{share:.1%} of the rows cannot be used; look at them first"


def of_text(
    task: Task,
    found: Look,
    model: Model,
    spelling: dict[str, Any],
    tokenizer: dict[str, Any] | None,
) -> Iterator[Setting]:
    """Args: spelling and tokenizer, of trained weights or of the family, None if it has no own."""
    tagged = found.tagged / len(found.lengths)
    if tagged > 0.01 and task.kind != "tag":
        yield "html", True, f"{tagged:.0%} of the texts hold HTML tags"
    for place, (name, value) in enumerate(spelling.items()):
        yield name, value, "" if place else "as the texts that the weights were trained on"
    chosen, why = _tokenizer(task, found, tokenizer)
    if task.kind == "language_model" and "lower" not in spelling:
        yield "lower", False, "characters of words tell more as they are; documents are never cut"
    if task.kind in PRETRAINING:
        if isinstance(model, Transformer):
            start = task.kind == "language_model"  # stands before a text
            yield "max_length", min(EXAMPLE, _room(model)) - start, "tokens"
    else:
        in_pieces = chosen["kind"] in ("wordpiece", "sentencepiece")
        yield "max_length", *_max_length(task, found, model, in_pieces)
    yield "tokenizer", chosen, why


def _tokenizer(
    task: Task, found: Look, theirs: dict[str, Any] | None
) -> tuple[dict[str, Any], str]:
    """A tokenizer, and why. Args: theirs, of trained weights or the family, if it has its own."""
    learned = theirs is None or theirs == {"kind": "wordpiece"}  # cuts at spaces, as words are
    if learned and task.kind != "tag" and found.spaceless > SPACELESS * found.letters:
        share = f"{found.spaceless / found.letters:.0%} of the letters"
        why = f"{share} are of scripts without spaces between words; pieces do without them"
        return {"kind": "sentencepiece"}, why
    part = "" if found.whole else f" in a sample, {100 * found.share:.2g}% of the texts"
    why = f"{len(found.words):,} different words{part}"
    if theirs is not None or task.kind in PRETRAINING:
        return theirs or {"kind": "word"}, why
    once = sum(n == 1 for n in found.words.values())
    min_count = 2 if len(found.words) > 30_000 else 1
    return {"kind": "word", "min_count": min_count}, f"{why}, {once:,} of them once"


def _max_length(task: Task, found: Look, model: Model, pieces: bool) -> tuple[int, str]:
    """What nearly all texts fit into, and why. A Transformer reads a pair as one sequence."""
    longest = min(LONGEST, _room(model)) if isinstance(model, Transformer) else LONGEST
    if isinstance(task, Span):
        return min(WINDOW, longest), "tokens of a window: question and a part of the context"
    lengths = found.together if isinstance(model, Transformer) else found.lengths
    usual = round(quantiles([*lengths, lengths[0]], n=100, method="inclusive")[98])
    unit = "words, or characters of scripts without spaces" if found.spaceless else "words"
    why = f"99% of the texts have at most {usual} {unit}, the longest {max(lengths)}"
    if pieces:
        why += f", of {PIECES} pieces or so"
        usual = round(PIECES * usual) + 3  # [CLS] and, of a pair, twice [SEP]
    return min(longest, 8 * -(-max(usual, 8) // 8)), f"{why}; the rest is cut off"


def _room(model: Transformer) -> int:
    assert isinstance(model, Bert | Gpt)
    return model.positions if isinstance(model, Bert) else model.context


def of_task(task: Task, why: str, found: Look) -> Iterator[Setting]:
    yield "kind", task.kind, why
    for column in ("text", "second", "question", "context", "label", "answers"):
        if (name := getattr(task, column, None)) is not None:
            yield column, name, " ".join(doubts(found.labels)) if column == "label" else ""
    if (called := getattr(task, "label_names", None)) is not None:
        yield "label_names", called, "what the tags of the files are called here"
    if task.kind == "regress" and task.decimal != ".":
        yield "decimal", task.decimal, ""
    if task.kind == "span":
        yield "id", task.id, ""
        yield "impossible", task.impossible, "whether there are questions without an answer"
    if task.kind == "masked_language_model":
        yield "pairs", task.pairs, "or next, as BERT, where a text has several sentences"
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


def _one_or_many(paths: tuple[str, ...]) -> Any:
    return paths[0] if len(paths) == 1 else list(paths)
