"""Language models."""

from typing import Any

import keras

from components.adaptive_softmax import AdaptiveSoftmax
from components.awd_language_model import awd_language_model
from components.dropouts import LockedDropout
from components.elmo import ElmoEncoder
from components.elmo_language_model import elmo_language_model
from components.full_softmax import FullSoftmax
from components.sampled_softmax import SampledSoftmax
from configs import models
from configs.recipe import Recipe
from configs.transformers import Gpt
from pipeline import pretrained_elmo
from pipeline.build.awd_lstm import words_and_encoder
from pipeline.build.words import spelling


def elmo(recipe: Recipe, model: models.Elmo, size: int) -> keras.Model:
    policy, seed = recipe.train.precision, recipe.seed
    encoder = ElmoEncoder(
        **pretrained_elmo.encoder(model),
        dropout=model.dropout,
        seed=seed + 301,
        dtype=policy,
        name="encoder",
    )
    softmax: keras.layers.Layer
    if model.softmax == "sampled" and model.samples < size:
        softmax = SampledSoftmax(size, model.samples, seed=seed + 401, dtype=policy, name="softmax")
    else:
        softmax = FullSoftmax(size, seed=seed + 401, dtype=policy, name="softmax")
    words = spelling(recipe, pretrained_elmo.spelling(model.characters))
    return elmo_language_model(words, encoder, softmax)


def awd_lstm(recipe: Recipe, model: models.AwdLstm, size: int) -> keras.Model:
    seed, policy = recipe.seed, recipe.train.precision
    drop = LockedDropout(model.dropouts.scaled.output, seed + 351, dtype=policy, name="drop")
    words, encoder = words_and_encoder(recipe, model, size)
    return awd_language_model(
        words, encoder, drop, softmax_of(recipe, model, size), model.ar, model.tar
    )


def softmax_of(recipe: Recipe, model: models.AwdLstm | Gpt, size: int) -> keras.layers.Layer:
    """A vocabulary without rarer words, or smaller than a sample, gets the full one."""
    rest: dict[str, Any] = {"tied": model.tied, "seed": recipe.seed + 401, "name": "softmax"}
    rest["dtype"] = recipe.train.precision
    cutoffs = tuple(cutoff for cutoff in model.cutoffs if cutoff < size)
    if model.softmax == "adaptive" and cutoffs:
        gather = not (recipe.train.xla or recipe.train.strategy.kind == "tpu")
        return AdaptiveSoftmax(size, cutoffs, gather=gather, **rest)
    if model.softmax == "sampled" and model.samples < size:
        return SampledSoftmax(size, model.samples, **rest)
    return FullSoftmax(size, **rest)
