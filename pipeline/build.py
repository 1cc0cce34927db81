"""The one place that knows both recipe kinds and component classes: a kind in, an object out."""

from collections.abc import Callable
from functools import partial
from typing import Any, assert_never

import keras
import numpy as np
import tensorflow as tf

from components import optimizers
from components import pooling as layers
from components.characters import LONGEST, CharacterCNN
from components.elmo import ElmoEncoder
from components.elmo_language_model import elmo_language_model
from components.elmo_vectors import layers_of, mixed
from components.embeddings import WordEmbeddings
from components.heads import LinearHead
from components.language_model_losses import FullSoftmax, SampledSoftmax
from components.ngrams import NGramFeatures
from components.pairs import CrossAttention, PairFeatures
from components.recurrent_stack import RecurrentStack
from components.scalar_mix import ScalarMix
from components.schedules import WarmupThen
from components.tag_heads import CrfHead, SoftmaxTagHead
from components.text_cnn import text_cnn
from components.text_models import Reader, pair_classifier, tagger, text_classifier
from configs import models, training
from configs.models import (
    Attention,
    ElmoVectors,
    Embedding,
    Pool,
    Recurrent,
    SelfAttentive,
    TextCNN,
)
from configs.recipe import Recipe
from configs.tasks import Tag
from configs.training import Train
from pipeline import elmo_files, pretrained_elmo, vectors
from pipeline.elmo_files import Elmo


def build_model(
    recipe: Recipe, vocabulary: list[str], num_labels: int, elmo: Elmo | None = None
) -> keras.Model:
    """The recipe's model: a dict of inputs -> a dict of outputs, see `components.text_models`.

    Weights are drawn from the recipe's seed; `start_from_vectors` puts pretrained ones in.
    Args: elmo, the pretrained one that the recipe names, if it does.
    """
    policy, seed = recipe.train.precision, recipe.seed
    pool: Callable
    fast = _on_cpu_without_xla(recipe.train)
    pair = getattr(recipe.task, "second", None) is not None
    match recipe.model:
        case TextCNN() as model:
            features = NGramFeatures(
                model.widths,
                model.filters,
                model.padding,
                model.stride,
                model.pooling,
                model.k,
                seed=seed + 1,
                dtype=policy,
                name="features",
            )
            head = LinearHead(
                num_labels, model.dropout, model.max_norm, seed + 101, dtype=policy, name="head"
            )
            vectors = _token_vectors(recipe, model.embedding, len(vocabulary), elmo)
            if fast and not pair and len(vectors) == 1:
                return text_cnn(vectors[0][-1], features, head, distinct=True)
            read, pool = Reader(vectors), partial(_without_extras, features)
        case Recurrent() as model:
            stack = _stack(recipe, model)
            vectors = _token_vectors(recipe, model.embedding, len(vocabulary), elmo)
            read = Reader(vectors, lambda x, mask: stack(x, mask=mask)[0])
            if isinstance(recipe.task, Tag):
                tag_head = CrfHead if recipe.task.decoder == "crf" else SoftmaxTagHead
                head = tag_head(num_labels, model.dropout, seed + 101, dtype=policy, name="head")
                return tagger(read, head, model.kind, starts=recipe.text.tokenizer.kind != "word")
            pool = _pooling(recipe, model)
            head = LinearHead(
                num_labels, model.dropout, None, seed + 101, dtype=policy, name="head"
            )
        case models.Elmo() as model:
            return _elmo(recipe, model, len(vocabulary))
        case unknown:
            assert_never(unknown)
    if not pair:
        return text_classifier(read, pool, head, model.kind)
    cross = None
    if model.pairs.compare == "attention":
        cross = CrossAttention(
            projection=model.pairs.width, seed=seed + 51, dtype=policy, name="cross"
        )
    compare = PairFeatures(dtype=policy, name="compare")
    return pair_classifier(read, pool, compare, head, model.kind, cross)


def _token_vectors(
    recipe: Recipe, embedding: Embedding, size: int, elmo: Elmo | None
) -> list[tuple]:
    """What a token's vector is made of, for a Reader."""
    policy, seed = recipe.train.precision, recipe.seed
    words = WordEmbeddings(
        size, embedding.width, embedding.kind, seed=seed, dtype=policy, name="embeddings"
    )
    found: list[tuple] = [("ids", (), "int32", words)]
    if embedding.characters:
        words_of_characters = _spelling(recipe, pretrained_elmo.spelling(embedding.characters))
        found.append(("characters", (LONGEST,), "int32", words_of_characters))
    if embedding.elmo:
        assert elmo is not None, "the recipe names a pretrained ELMo"
        found.append(_elmo_vectors(recipe, embedding.elmo, elmo))
    return found


def _spelling(recipe: Recipe, arguments: dict[str, Any], name: str = "spelling") -> CharacterCNN:
    fast, policy = _on_cpu_without_xla(recipe.train), recipe.train.precision
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
    words = _spelling(recipe, elmo.characters, "elmo_spelling")
    encoder = ElmoEncoder(**elmo.encoder, dtype=policy, name="elmo_encoder")

    def vectors(characters: Any) -> Any:
        layers = layers_of(characters, words, encoder)
        # Only now: layers that a layer makes when it is built would not know of it.
        words.trainable = encoder.trainable = settings.mode == "fine_tuned"
        return mixed(layers, mix, drop)

    return "characters", (LONGEST,), "int32", vectors


def _elmo(recipe: Recipe, model: models.Elmo, size: int) -> keras.Model:
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
        softmax = SampledSoftmax(size, model.samples, seed + 401, dtype=policy, name="softmax")
    else:
        softmax = FullSoftmax(size, seed + 401, dtype=policy, name="softmax")
    words = _spelling(recipe, pretrained_elmo.spelling(model.characters))
    return elmo_language_model(words, encoder, softmax)


def _stack(recipe: Recipe, model: Recurrent) -> RecurrentStack:
    return RecurrentStack(
        model.units,
        model.kind,
        model.layers,
        model.bidirectional,
        model.dropout,
        model.residual,
        activation=model.activation,
        projection=model.projection,
        cell_clip=model.cell_clip,
        forget_bias=model.forget_bias,
        recurrent_dropout=model.recurrent_dropout,
        seed=recipe.seed + 301,
        dtype=recipe.train.precision,
        name="encoder",
    )


def _pooling(recipe: Recipe, model: Recurrent) -> keras.layers.Layer:
    seed = recipe.seed + 401
    last = "ends" if model.bidirectional else "last"
    rest: dict[str, Any] = {"dtype": recipe.train.precision, "name": "pooling"}
    match model.pooling:
        case Pool(kind=kind):
            return layers.Pool(last if kind == "last" else kind, **rest)
        case Attention(score=score, query=query, width=width, hard=hard):
            asked = last if query == "last" else query
            longest = recipe.text.max_length
            return layers.AttentionPool(score, width, longest, asked, hard, seed, **rest)
        case SelfAttentive(hops=hops, width=width, penalty=penalty):
            return layers.SelfAttentivePool(hops, width, penalty, seed, **rest)
        case unknown:
            assert_never(unknown)


def _without_extras(pool: Callable, x: Any, mask: Any) -> tuple[Any, dict]:
    return pool(x, mask=mask), {}


def _on_cpu_without_xla(settings: Train) -> bool:
    accelerated = settings.strategy.kind == "tpu" or tf.config.list_physical_devices("GPU")
    return not (settings.xla or accelerated)


def build_optimizer(
    settings: Train, total_steps: int, variables: list[keras.Variable]
) -> keras.optimizers.Optimizer:
    """The recipe's optimizer on its learning-rate schedule, built for the variables.

    Weight decay leaves biases, norms and other one-dimensional variables alone.
    """
    schedule = WarmupThen(
        settings.learning_rate,
        settings.schedule.kind,
        total_steps,
        round(settings.schedule.warmup * total_steps),
        settings.schedule.end,
    )
    chosen = settings.optimizer.model_dump(exclude={"kind"})
    weight_decay = chosen.pop("weight_decay") or None
    averaging = {"use_ema": settings.ema is not None, "ema_momentum": settings.ema or 0.0}
    match settings.optimizer:
        case training.Adam():
            kind = optimizers.Adam
        case training.SGD():
            kind = optimizers.SGD
        case training.Adadelta():
            kind = optimizers.Adadelta
        case unknown:
            assert_never(unknown)
    # The name is part of the variables' paths, which a checkpoint knows them by.
    optimizer = kind(schedule, weight_decay=weight_decay, name="optimizer", **averaging, **chosen)
    optimizer.exclude_from_weight_decay([v for v in variables if len(v.shape) < 2])
    optimizer.build(variables)
    return optimizer


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
    embedding = getattr(recipe.model, "embedding", None)
    if embedding is None or embedding.path is None:
        return None
    matrix, coverage = vectors.load(
        embedding.path, vocabulary, embedding.width, recipe.seed, counts
    )
    model.get_layer("embeddings").set_vectors(matrix)
    return coverage
