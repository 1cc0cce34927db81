"""Pretrained weights into new models, and a pretrained ELMo by itself."""

import keras
import numpy as np
import tensorflow as tf

from components.characters import LONGEST, CharacterCNN
from components.elmo import ElmoEncoder
from components.elmo_vectors import layers_of
from configs.recipe import Recipe
from pipeline import elmo_files, vectors
from pipeline.elmo_files import Elmo


def start_from_elmo(model: keras.Model, elmo: Elmo | None) -> None:
    """Put the pretrained weights, if there are any, into a new model that computes the vectors."""
    if elmo is not None and any(layer.name == "elmo_encoder" for layer in model.layers):
        elmo_files.assign(model.get_layer("elmo_spelling"), elmo.character_weights)
        elmo_files.assign(model.get_layer("elmo_encoder"), elmo.encoder_weights)


def build_elmo(elmo: Elmo) -> keras.Model:
    """A pretrained ELMo by itself: (B, T, LONGEST) int32 characters -> (B, T, L + 1, 2 P)."""
    fast = not tf.config.list_physical_devices("GPU")
    words = CharacterCNN(**elmo.characters, distinct=fast, name="elmo_spelling")
    encoder = ElmoEncoder(**elmo.encoder, name="elmo_encoder")
    model = _layers(words, encoder)
    start_from_elmo(model, elmo)
    return model


def elmo_layers(model: keras.Model) -> keras.Model:
    """The same of a model of kind elmo, with its weights."""
    return _layers(model.get_layer("spelling"), model.get_layer("encoder"))


def _layers(words: CharacterCNN, encoder: ElmoEncoder) -> keras.Model:
    characters = keras.Input((None, LONGEST), dtype="int32", name="characters")
    return keras.Model(characters, layers_of(characters, words, encoder), name="elmo_layers")


def start_from_vectors(
    model: keras.Model, recipe: Recipe, vocabulary: list[str], counts: np.ndarray | None = None
) -> vectors.Coverage | None:
    """Put the recipe's pretrained word vectors, if it has any, into a new model.

    A model whose trained weights are loaded next needs none of this, nor the file.
    Args: counts, (V,) tokens of each id in the training texts.
    """
    embedding = recipe.embedding
    if embedding is None or embedding.path is None:
        return None
    matrix, coverage = vectors.load(
        embedding.path, vocabulary, embedding.width, recipe.seed, counts
    )
    model.get_layer("embeddings").set_vectors(matrix)
    return coverage
