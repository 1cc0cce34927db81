"""What the command line says of a learning curve: sizes, seeds, and variants of the recipe."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs import loading
from configs.loading import RecipeError
from configs.recipe import Recipe
from configs.tasks import LanguageModel
from pipeline.learning_curve.samples import Size
from pipeline.prepare import inputs

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
# A comma between two settings, not one within a value such as [3, 4].
BETWEEN = re.compile(r",(?=[\w.]+=)")
OWN = ("work", "seed", "data.train", "data.test")  # what the command sets itself, or compares on


@dataclass(frozen=True)
class Variant:
    """`settings` as they were given; `recipe` is the whole one with them."""

    name: str
    settings: tuple[str, ...]
    recipe: Recipe


def variants(path: Path, sets: Sequence[str], asked: Sequence[str]) -> list[Variant]:
    """The recipe's variants, each NAME or NAME:KEY=VALUE[,KEY=VALUE...]; without any, itself.

    Raises:
        RecipeError: a variant is spelled wrong, is there twice, gives no recipe, or learns
            something else; or the recipe's task has no labels, or nothing is left to test on.
    """
    recipe = loading.load(path, sets)
    if isinstance(recipe.task, LanguageModel):
        raise RecipeError(
            f"{path}: a learning curve counts labelled examples, and language_model has no labels:"
            " choose a recipe that classifies, regresses or tags"
        )
    if recipe.data.test is None and not isinstance(recipe.data.valid, tuple):
        raise RecipeError(
            f"{path}: nothing stays the same to measure each size on: set data.test, to files or to"
            " a fraction, or data.valid to files"
        )
    if recipe.train.strategy.kind == "multi_worker":
        raise RecipeError(
            f"{path}: a learning curve runs its jobs one after the other on one machine; choose"
            " another train.strategy.kind than multi_worker"
        )
    if not asked:
        return [Variant(recipe.name, (), recipe)]
    found: dict[str, Variant] = {}
    for text in asked:
        name, colon, rest = text.partition(":")
        settings = tuple(BETWEEN.split(rest)) if colon else ()
        if not NAME.fullmatch(name) or not all("=" in setting for setting in settings):
            raise RecipeError(
                f"--variant {text}: should be NAME:KEY=VALUE[,KEY=VALUE...], as in"
                " small:model.filters=50,train.epochs=3"
            )
        if name in found:
            raise RecipeError(f"--variant {text}: there is a variant {name!r} already")
        try:
            changed = loading.load(path, [*sets, *settings])
        except RecipeError as error:
            raise RecipeError(f"--variant {text}: {error}") from error
        if what := _differing(recipe, changed):
            raise RecipeError(
                f"--variant {text}: changes {what}, which has to be the same for all that are"
                " compared: change it with --set"
            )
        found[name] = Variant(name, settings, changed)
    return list(found.values())


def _differing(recipe: Recipe, changed: Recipe) -> str:
    """What two recipes differ in that variants may not."""
    for key in OWN:
        first, *rest = key.split(".")
        ours, theirs = getattr(recipe, first), getattr(changed, first)
        if rest:
            ours, theirs = getattr(ours, rest[0]), getattr(theirs, rest[0])
        if ours != theirs:
            return key
    return "task" if inputs.settings(recipe)["task"] != inputs.settings(changed)["task"] else ""


def sizes(text: str) -> list[Size]:
    """From 100,500,all: in that order, the smallest first.

    Raises:
        RecipeError: one is no number of examples.
    """
    parts = _parts("--sizes", text, lambda part: part == "all" or int(part) > 0)
    numbers: list[Size] = sorted({int(part) for part in parts if part != "all"})
    return [*numbers, "all"] if "all" in parts else numbers


def seeds(text: str) -> list[int]:
    """From 1,2,3.

    Raises:
        RecipeError: one is no seed.
    """
    return sorted({int(x) for x in _parts("--seeds", text, lambda x: 0 <= int(x) < 2**31)})


def _parts(option: str, text: str, fits: Callable[[str], bool]) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        try:
            right = fits(part)
        except ValueError:
            right = False
        if not right:
            example = "100,500,all" if option == "--sizes" else "1,2,3"
            raise RecipeError(f"{option} {text}: {part!r} does not belong there; as in {example}")
    return parts
