"""Language models."""

import keras

from components.elmo import ElmoEncoder
from components.elmo_language_model import elmo_language_model
from components.full_softmax import FullSoftmax
from components.sampled_softmax import SampledSoftmax
from configs import models
from configs.recipe import Recipe
from pipeline import pretrained_elmo
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
    raise NotImplementedError
