"""A small gpt whose answers depend on all that it reads."""

import numpy as np

from configs.loading import parse
from pipeline.build import build_model

RECIPE = """
name: tiny
data: {train: x}
text: {max_length: 7}
task: {kind: language_model}
model: {kind: gpt, layers: 2, width: 8, heads: 2, context: 8}
"""
LABELS = ["task={kind: classify}"]


def made(size, *settings, labels=3):
    """The recipe, and its model with weights far from 0."""
    recipe = parse(RECIPE, list(settings))
    model = build_model(recipe, [f"word {n}" for n in range(size)], labels)
    random = np.random.default_rng(8)
    for weight in model.trainable_weights:
        start = 1.0 if "gamma" in weight.path else 0.0
        weight.assign(start + random.normal(size=weight.shape, scale=0.5))
    return recipe, model
