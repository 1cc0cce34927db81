"""What a token's vector is made of."""

from typing import Any

import keras
import tensorflow as tf

from components.characters import LONGEST, CharacterCNN
from components.elmo import ElmoEncoder
from components.elmo_vectors import layers_of, mixed
from components.embeddings import WordEmbeddings
from components.scalar_mix import ScalarMix
from configs.models import ElmoVectors, Embedding
from configs.recipe import Recipe
from configs.training import Train
from pipeline import pretrained_elmo
from pipeline.elmo_files import Elmo


def token_vectors(
    recipe: Recipe, embedding: Embedding, size: int, elmo: Elmo | None
) -> list[tuple]:
    """What a token's vector is made of, for a Reader."""
    policy, seed = recipe.train.precision, recipe.seed
    words = WordEmbeddings(
        size, embedding.width, embedding.kind, seed=seed, dtype=policy, name="embeddings"
    )
    found: list[tuple] = [("ids", (), "int32", words)]
    if embedding.characters:
        words_of_characters = spelling(recipe, pretrained_elmo.spelling(embedding.characters))
        found.append(("characters", (LONGEST,), "int32", words_of_characters))
    if embedding.elmo:
        assert elmo is not None, "the recipe names a pretrained ELMo"
        found.append(_elmo_vectors(recipe, embedding.elmo, elmo))
    return found


def spelling(recipe: Recipe, arguments: dict[str, Any], name: str = "spelling") -> CharacterCNN:
    fast, policy = on_cpu_without_xla(recipe.train), recipe.train.precision
    return CharacterCNN(**arguments, distinct=fast, seed=recipe.seed + 201, dtype=policy, name=name)


def _elmo_vectors(recipe: Recipe, settings: ElmoVectors, elmo: Elmo) -> tuple:
    """Contextual vectors as one part of a token's vector, for a Reader."""
    policy, seed = recipe.train.precision, recipe.seed + 501
    mix = ScalarMix(
        settings.layer_norm, settings.layer_dropout, seed, dtype=policy, name="elmo_mix"
    )
    drop = keras.layers.Dropout(settings.dropout, seed=seed + 1, dtype=policy, name="elmo_drop")
    if settings.mode == "cached":
        width = 2 * (elmo.encoder["projection"] or elmo.encoder["units"])
        shape = (elmo.encoder["num_layers"] + 1, width)
        return "elmo", shape, "float16", lambda layers: mixed(layers, mix, drop)
    words = spelling(recipe, elmo.characters, "elmo_spelling")
    encoder = ElmoEncoder(**elmo.encoder, dtype=policy, name="elmo_encoder")

    def vectors(characters: Any) -> Any:
        layers = layers_of(characters, words, encoder)
        # Only now: layers that a layer makes when it is built would not know of it.
        words.trainable = encoder.trainable = settings.mode == "fine_tuned"
        return mixed(layers, mix, drop)

    return "characters", (LONGEST,), "int32", vectors


def on_cpu_without_xla(settings: Train) -> bool:
    accelerated = settings.strategy.kind == "tpu" or tf.config.list_physical_devices("GPU")
    return not (settings.xla or accelerated)
