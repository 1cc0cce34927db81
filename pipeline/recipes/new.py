"""Write a commented recipe for someone's own file after a look at it."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from configs import loading, plain_yaml
from configs.data import Data
from pipeline.recipes import guess, look


def recipe(data: Data, text: str, label: str, model: str, kind: str | None = None) -> str:
    """The text of a recipe to learn the column `label` from the column `text`.

    Args: kind, of the task; None to guess it.

    Raises:
        RecipeError: there is no such column, or it holds no labels.
        JobError: the files cannot be read.
    """
    for path in data.train + (data.test if isinstance(data.test, tuple) else ()):
        _check_columns(path, data.format, {"--text": text, "--label": label})
    task, why = guess.task(kind, text, label, look.values(data, label))
    found = look.look(data, task)
    name = _name(data.train[0])
    lines = [
        f"# {name}: written by `textmill new` after a look at the data. Run it with",
        "#     textmill run THIS_FILE",
        f"name: {name}",
        *_section("data", guess.data_settings(data, found)),
        *_section("text", guess.text_settings(found)),
        *_section("task", guess.task_settings(task, why, found)),
        f"model: {{kind: {model}}}",
        *_section("train", guess.train_settings(found)),
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
