"""Trained models side by side."""

from collections.abc import Callable, Sequence

import keras

from components import ensemble as components
from configs.recipe import Recipe
from pipeline import members


def ensemble(recipe: Recipe, makers: Sequence[Callable[[], keras.Model]]) -> keras.Model:
    """Args: makers, of the members; the paths of their weights begin with member_0 and so on."""
    made = {}
    for number, make in enumerate(makers):
        with keras.name_scope(members.name(number)):
            made[members.name(number)] = make()
    return components.ensemble(made, components.MeanAnswer(recipe.task.kind, name="mean"))
