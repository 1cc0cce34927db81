"""A recipe as text: reading a YAML file with overrides, and writing a recipe out in full."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from configs import plain_yaml
from configs.bounded_yaml import LARGEST
from configs.mistakes import explain
from configs.recipe import Recipe


class RecipeError(ValueError):
    """The recipe or the call is wrong: one line for each mistake. Exit status 2."""


def load(path: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe in a YAML file, after overrides such as "train.epochs=3".

    Raises:
        RecipeError: the file cannot be read, is no YAML, or does not describe a recipe.
    """
    return parse(_text(Path(path)), overrides, name=str(path))


def _text(path: Path) -> str:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            # Reading a pipe that nobody writes to never ends.
            raise RecipeError(f"{path}: should be a file, got a pipe or a device")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}") from error
    if len(content) > LARGEST:
        raise RecipeError(f"{path}: larger than {LARGEST:,} bytes, which no recipe is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise RecipeError(f"{path}:{line}: should be UTF-8 text, got byte {byte:#04x}") from error


def parse(text: str, overrides: Iterable[str] = (), name: str = "recipe") -> Recipe:
    """The same from the file's text; `name` stands in front of each mistake."""
    try:
        values = plain_yaml.read(text, name)
    except ValueError as error:
        raise RecipeError(str(error)) from error
    if not isinstance(values, dict):
        raise RecipeError(f"{name}: should be a mapping with keys such as name, data and task")
    for override in overrides:
        values = _override(values, override)
    recipe: Recipe = checked(Recipe, values, name)
    return recipe


def checked(kind: Any, values: Any, name: str) -> Any:
    """Values as a recipe, or as a part of one, such as `Model`.

    Raises:
        RecipeError: they are none; `name` stands in front of each mistake.
    """
    try:
        # Strict, or `epochs: true` would be 1.
        return TypeAdapter(kind).validate_python(values, strict=True)
    except ValidationError as error:
        lines = explain(error, values)
        raise RecipeError("\n".join(f"{name}: {line}" for line in lines)) from error


def dump(recipe: Recipe) -> str:
    """The recipe as YAML, with every default written out."""
    return plain_yaml.write(recipe.model_dump(mode="json"))


def _override(values: dict[str, Any], override: str) -> dict[str, Any]:
    path, equals, text = override.partition("=")
    if not equals or not all(path.split(".")):
        raise RecipeError(f"--set {override}: should be key.path=value, as in train.epochs=3")
    try:
        value = plain_yaml.read(text)
    except ValueError:
        value = text  # no YAML, so a plain string: *.csv
    try:
        return _replaced(values, path.split("."), value)
    except LookupError as error:
        raise RecipeError(f"--set {override}: {error.args[0]}") from error


def _replaced(values: Any, keys: list[str], new: Any) -> Any:
    """A copy of nested values with the one that the keys lead to set anew."""
    if not keys:
        return new
    key, *rest = keys
    if isinstance(values, tuple):
        if not key.isdecimal() or int(key) >= len(values):
            raise LookupError(f"{key!r} is no index into a list of {len(values)}")
        index = int(key)
        return (*values[:index], _replaced(values[index], rest, new), *values[index + 1 :])
    values = values if isinstance(values, dict) else {}
    return {**values, key: _replaced(values.get(key), rest, new)}
