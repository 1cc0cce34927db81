"""Trained models side by side."""

import keras

from configs.models import Ensemble
from configs.recipe import Recipe


def ensemble(recipe: Recipe, model: Ensemble) -> keras.Model:
    raise NotImplementedError
