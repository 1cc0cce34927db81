"""What the command line says of a learning curve: sizes, seeds, and variants of the recipe."""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from configs import loading
from configs.loading import RecipeError
from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel
from pipeline.learning_curve.samples import Size
from pipeline.prepare import inputs

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
SIZE = re.compile(r"(all|[1-9][0-9]*)(x[1-9][0-9]*)?")  # xN: with N seeds
# A comma between two settings, not one within a value such as [3, 4].
BETWEEN = re.compile(r",(?=[\w.]+=)")
OWN = ("work", "seed", "data.train", "data.test")  # what the command sets itself, or compares on


@dataclass(frozen=True)
class Variant:
    """`settings` as they were given; `recipe` is the whole one with them.

    `at` has the same of the sizes with settings of their own.
    """

    name: str
    settings: tuple[str, ...]
    recipe: Recipe
    at: Mapping[Size, Recipe] = field(default_factory=dict)

    def recipe_at(self, size: Size) -> Recipe:
        return self.at.get(size, self.recipe)


def variants(
    path: Path, sets: Sequence[str], asked: Sequence[str], at: Mapping[Size, Sequence[str]]
) -> list[Variant]:
    """The recipe's variants, each NAME or NAME:KEY=VALUE[,KEY=VALUE...]; without any, itself.

    Args: at, by size, settings that win over all others, as of `at_sizes`.

    Raises:
        RecipeError: a variant is spelled wrong, is there twice, gives no recipe, or learns
            something else; or the recipe's task has no labels, or nothing is left to test on.
    """
    recipe = loading.load(path, sets)
    if isinstance(recipe.task, LanguageModel | MaskedLanguageModel):
        raise RecipeError(
            f"{path}: a learning curve counts labelled examples, and {recipe.task.kind} has no"
            " labels: choose a recipe that classifies, regresses or tags"
        )
    if recipe.data.test is None and not isinstance(recipe.data.valid, tuple):
        raise RecipeError(
            f"{path}: nothing stays the same to measure each size on: set data.test, to files or to"
            " a fraction, or data.valid to files"
        )
    strategy = recipe.train.strategy.kind
    if strategy == "multi_worker" or (strategy == "auto" and os.environ.get("TF_CONFIG")):
        raise RecipeError(
            f"{path}: a learning curve runs its jobs one after the other on one machine; choose"
            " another train.strategy.kind than multi_worker, and leave TF_CONFIG out"
        )

    def settled(name: str, settings: tuple[str, ...], said: str) -> Variant:
        def changed(own: Sequence[str], said: str) -> Recipe:
            try:
                found = loading.load(path, [*sets, *settings, *own])
            except RecipeError as error:
                raise RecipeError(f"{said}: {error}") from error
            if what := _differing(recipe, found):
                raise RecipeError(
                    f"{said}: changes {what}, which has to be the same for all that are compared:"
                    " change it with --set"
                )
            return found

        recipes = {size: changed(own, f"--at {size}:{','.join(own)}") for size, own in at.items()}
        return Variant(name, settings, changed((), said), recipes)

    if not asked:
        return [settled(recipe.name, (), str(path))]
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
        found[name] = settled(name, settings, f"--variant {text}")
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


def at_sizes(asked: Sequence[str], there: Collection[Size]) -> dict[Size, tuple[str, ...]]:
    """Of SIZE:KEY=VALUE[,KEY=VALUE...], the settings of each size. Args: there, all sizes.

    Raises:
        RecipeError: one is spelled wrong, or of a size that is not there.
    """
    found: dict[Size, tuple[str, ...]] = {}
    for text in asked:
        name, _, rest = text.partition(":")
        settings = tuple(BETWEEN.split(rest))
        size: Size | None = next((size for size in there if str(size) == name), None)
        if size is None or not all("=" in setting for setting in settings):
            raise RecipeError(
                f"--at {text}: should be SIZE:KEY=VALUE[,KEY=VALUE...], with a size of --sizes, as"
                f" in {next(iter(there))}:train.epochs=3"
            )
        found[size] = found.get(size, ()) + settings
    return found


def sizes(text: str, seeds: Sequence[int]) -> dict[Size, list[int]]:
    """From 100,500,all: in that order, the smallest first, with all seeds; 500x2 with the first 2.

    Raises:
        RecipeError: one is no number of examples, or has more seeds than there are.
    """
    found: dict[Size, list[int]] = {}
    for part in _parts("--sizes", text, lambda part: SIZE.fullmatch(part) is not None):
        name, _, number = part.partition("x")
        size: Size = "all" if name == "all" else int(name)
        if number and int(number) > len(seeds):
            raise RecipeError(
                f"--sizes {text}: {part!r} asks for {number} seeds, and --seeds has {len(seeds)}"
            )
        found[size] = list(seeds[: int(number)] if number else seeds)
    return dict(sorted(found.items(), key=lambda item: (item[0] == "all", item[0])))


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
