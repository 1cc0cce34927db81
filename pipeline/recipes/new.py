"""Write a commented recipe for someone's own file after a look at it."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from configs import loading, plain_yaml
from configs.data import Data
from pipeline.recipes import guess, look

MODELS = {"tag": "lstm", "language_model": "elmo"}  # where a text CNN will not do


def recipe(
    data: Data,
    text: str,
    label: str | None = None,
    model: str | None = None,
    kind: str | None = None,
    second: str | None = None,
) -> str:
    """The text of a recipe to learn the column `label`, or the next word of the texts themselves.

    Args: text, column of the texts, or of lists of words to tag; second, of the second texts of
        pairs; model, its kind, None for one that suits the task; kind, of the task; None to guess.

    Raises:
        RecipeError: there is no such column, or it holds no labels.
        JobError: the files cannot be read.
    """
    given = {"text": text, "second": second, "label": label}
    columns = {name: column for name, column in given.items() if column is not None}
    for path in data.train + (data.test if isinstance(data.test, tuple) else ()):
        _check_columns(path, data.format, {f"--{name}": c for name, c in columns.items()})
    seen = look.values(data, label) if label is not None else []
    task, why = guess.task(kind, columns, look.holds_lists(data, text), seen)
    found = look.look(data, task)
    name = _name(data.train[0])
    lines = [
        f"# {name}: written by `textmill new` after a look at the data. Run it with",
        "#     textmill run THIS_FILE",
        f"name: {name}",
        *_section("data", guess.data_settings(data, found)),
        *_section("text", guess.text_settings(task, found)),
        *_section("task", guess.task_settings(task, why, found)),
        f"model: {{kind: {model or MODELS.get(task.kind, 'text_cnn')}}}",
        *_section("train", guess.train_settings(task, found)),
    ]
    written = "\n".join(lines) + "\n"
    loading.parse(written, name="the new recipe")
    return written


def _check_columns(path: str, declared: str, wanted: dict[str, str]) -> None:
    there = look.columns(path, declared)
    for option, column in wanted.items():
        if column not in there:
            near = get_close_matches(column, there, n=1)
            advice = f"did you mean {near[0]!r}? " if near else ""
            raise loading.RecipeError(
                f"{option}: no column {column!r} in {path}; {advice}its columns are"
                f" {', '.join(map(repr, there))}"
            )


def _section(name: str, settings: Iterable[guess.Setting]) -> list[str]:
    lines = [f"{name}:"]
    for key, value, why in settings:
        lines += [f"  # {why}"] * bool(why)
        lines.append(f"  {key}: {plain_yaml.write_inline(value)}")
    return lines


def _name(path: str) -> str:
    """What the recipe may be called: the file's name, or its folder's when that is just train."""
    stem = Path(path).name.split(".")[0]
    if stem in ("train", "training", "data", "all") and Path(path).parent.name:
        stem = Path(path).parent.name
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-._") or "texts"
