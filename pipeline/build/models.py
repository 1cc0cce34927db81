"""Models for every family and task."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, assert_never

import keras

from components.heads import LinearHead
from components.ngrams import NGramFeatures
from components.pairs import CrossAttention, PairFeatures
from components.tag_heads import CrfHead, SoftmaxTagHead
from components.text_cnn import text_cnn
from components.text_models import Reader, pair_classifier, tagger, text_classifier
from configs import models
from configs.models import Recurrent, TextCNN
from configs.recipe import Recipe
from configs.tasks import LanguageModel, Span, Tag
from configs.transformers import Bert, Gpt
from pipeline.build import language_models
from pipeline.build.awd_classifier import awd_classifier
from pipeline.build.bert import bert
from pipeline.build.ensemble import ensemble
from pipeline.build.gpt import gpt
from pipeline.build.recurrent import pooling, stack
from pipeline.build.spans import recurrent_spans
from pipeline.build.words import on_cpu_without_xla, token_vectors
from pipeline.elmo_files import Elmo
from pipeline.members import Member


def build_model(
    recipe: Recipe,
    vocabulary: list[str],
    num_labels: int,
    elmo: Elmo | None = None,
    members: Sequence[Member] = (),
) -> keras.Model:
    """The recipe's model: a dict of inputs -> a dict of outputs, see `components.text_models`.

    Weights are drawn from the recipe's seed; `start_from_vectors` puts pretrained ones in.
    Args: elmo, the pretrained one that the recipe names, if it does; members, of an ensemble.
    """
    policy, seed = recipe.train.precision, recipe.seed
    pool: Callable
    fast = on_cpu_without_xla(recipe.train)
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
            vectors = token_vectors(recipe, model.embedding, len(vocabulary), elmo)
            if fast and not pair and len(vectors) == 1:
                return text_cnn(vectors[0][-1], features, head, distinct=True)
            read, pool = Reader(vectors), partial(_without_extras, features)
        case Recurrent() as model:
            encoder = stack(recipe, model)
            vectors = token_vectors(recipe, model.embedding, len(vocabulary), elmo)

            def encode(x: Any, mask: Any) -> Any:
                return encoder(x, mask=mask)[0]

            if isinstance(recipe.task, Span):
                return recurrent_spans(recipe, vectors, encode)
            read = Reader(vectors, encode)
            if isinstance(recipe.task, Tag):
                tag_head = CrfHead if recipe.task.decoder == "crf" else SoftmaxTagHead
                head = tag_head(num_labels, model.dropout, seed + 101, dtype=policy, name="head")
                return tagger(read, head, model.kind, starts=recipe.text.tokenizer.kind != "word")
            pool = pooling(recipe, model.pooling, model.bidirectional)
            head = LinearHead(
                num_labels, model.dropout, None, seed + 101, dtype=policy, name="head"
            )
        case models.Elmo() as model:
            return language_models.elmo(recipe, model, len(vocabulary))
        case models.AwdLstm() as model:
            if isinstance(recipe.task, LanguageModel):
                return language_models.awd_lstm(recipe, model, len(vocabulary))
            return awd_classifier(recipe, model, len(vocabulary), num_labels)
        case Bert() as model:
            return bert(recipe, model, len(vocabulary), num_labels)
        case Gpt() as model:
            return gpt(recipe, model, len(vocabulary), num_labels)
        case models.Ensemble():
            makers = [
                partial(build_model, part.recipe, vocabulary, num_labels, part.elmo)
                for part in members
            ]
            return ensemble(recipe, makers)
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


def _without_extras(pool: Callable, x: Any, mask: Any) -> tuple[Any, dict]:
    return pool(x, mask=mask), {}
