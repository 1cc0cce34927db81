"""Write a commented recipe for someone's own file after a look at it."""

import logging
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from configs import loading, plain_yaml
from configs.data import Data
from configs.models import Model
from configs.tasks import Task
from pipeline.prepare.doubtful_labels import doubts
from pipeline.recipes import families, guess, look, settings, writing_of_files

log = logging.getLogger("textmill")
TENTH = 0.1  # of the training texts, where a split has no files
OF_ANY_DATA = re.compile(r"(train|training|data|dataset|all|part|shard|texts?)([-_.]?\d.*)?")


def recipe(
    data: Data,
    text: str,
    label: str | None = None,
    model: str | None = None,
    kind: str | None = None,
    second: str | None = None,
    init_from: str | None = None,
) -> str:
    """The text of a recipe to learn the column `label`, or the words of the texts themselves.

    Args: text, column of the texts, of lists of words to tag, or of questions; second, of the
        second texts of pairs, or of the contexts that answer questions; model, its kind, None for
        one that suits the task; kind, of the task, None to guess; init_from, trained weights on
        disk, as a recipe names them.

    Raises:
        RecipeError: there is no such column, it holds no labels, the model does not suit, or too
            many rows cannot be used.
        JobError: the files or the weights cannot be read.
    """
    given = {"text": text, "second": second, "label": label}
    columns = {name: column for name, column in given.items() if column is not None}
    data = data.model_copy(update={"test": data.test or TENTH, "valid": data.valid or TENTH})
    files = [path for paths in look.files_of(data).values() for path in paths]
    ways = writing_of_files.found(tuple(files), data, tuple(columns.values()))
    for key, (value, why) in ways.items():
        log.info("data.%s: %s, %s", key, plain_yaml.write_inline(value), why)
    data = data.model_copy(update={key: value for key, (value, _) in ways.items()})
    there = [look.columns(path, data) for path in files]
    for path, names in zip(files, there, strict=True):
        _check_columns(path, names, {f"--{name}": c for name, c in columns.items()})
    seen = look.values(data, label) if label is not None else []
    named = "id" in there[0]
    task, why = guess.task(kind, columns, look.holds_lists(data, text), seen, named)
    looks = look.looks(data, task)
    found = looks["train"]
    for doubt in doubts(found.labels):
        log.warning("worth a look: %s", doubt)
    said, spelling, tokenizer = _model(model, task, init_from)
    made: Model = loading.checked(Model, said, "--model")
    name = f"{_name(data.train[0])}-{task.kind}"
    share = 1.0 - sum(part for part in (data.valid, data.test) if isinstance(part, float))
    lines = [
        f"# {name}: written by `textmill new` after a look at the data. Run it with",
        "#     textmill run THIS_FILE",
        f"name: {plain_yaml.write_inline(name)}",
        *[f"init_from: {plain_yaml.write_inline(init_from)}"] * bool(init_from),
        *_section("data", settings.of_data(data, looks, ways)),
        *_section("text", settings.of_text(task, found, made, spelling, tokenizer)),
        *_section("task", settings.of_task(task, why, found)),
        f"model: {plain_yaml.write_inline(said)}",
        *_section("train", families.training(task, made, found, share, bool(init_from))),
    ]
    written = "\n".join(lines) + "\n"
    loading.parse(written, name="the new recipe")
    return written


def _model(
    kind: str | None, task: Task, init_from: str | None
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]:
    """Settings of a model, of how its words are spelled, and of their tokenizer.

    Raises:
        RecipeError: the weights are of another family.
        JobError: they cannot be read.
    """
    if init_from is None:
        kind = kind or families.USUAL.get(task.kind, "text_cnn")
        return families.small(kind, task), {}, families.words(kind)

    from pipeline.recipes import starting  # loads Keras

    earlier = starting.read(init_from)
    said = starting.model(earlier, task)
    if kind not in (None, said["kind"]):
        raise loading.RecipeError(
            f"--model {kind}: the weights in {init_from} are of a model of kind {said['kind']}:"
            " leave --model out, or --init-from"
        )
    return said, starting.spelling(earlier), starting.tokenizer(earlier, init_from)


def _check_columns(path: str, there: list[str], wanted: dict[str, str]) -> None:
    for option, column in wanted.items():
        if column not in there:
            near = get_close_matches(column, there, n=1)
            advice = f"did you mean {near[0]!r}? " if near else ""
            raise loading.RecipeError(
                f"{option}: no column {column!r} in {path}; {advice}its columns are"
                f" {', '.join(map(repr, there))}"
            )


def _section(name: str, said: Iterable[families.Setting]) -> list[str]:
    lines = [f"{name}:"]
    for key, value, why in said:
        lines += [f"  # {why}"] * bool(why)
        lines.append(f"  {key}: {plain_yaml.write_inline(value)}")
    return lines


def _name(path: str) -> str:
    """What the data may be called: the file's name, or a folder's if that says nothing of them."""
    place = Path(path) if "://" in path else Path(path).absolute()
    for part in (place.name.split(".")[0], *(folder.name for folder in place.parents)):
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", part).strip("-._")
        if name and not OF_ANY_DATA.fullmatch(name.lower()):
            return name
    return "texts"
