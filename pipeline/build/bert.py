"""BERT pretrained, and fine-tuned: an answer for a text or two, one for each word, or a span."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from components.bert_pretraining import bert_pretraining
from components.heads import LinearHead
from components.masked_lm_head import MaskedLMHead
from components.next_sentence_head import NextSentenceHead
from components.pooler import Pooler
from components.span_head import SpanHead
from components.tag_heads import CrfHead, SoftmaxTagHead
from components.text_models import span_reader, tagger, text_classifier
from components.token_embeddings import TokenEmbeddings
from components.transformer import Transformer
from configs.poolings import FirstToken
from configs.recipe import Recipe
from configs.tasks import MaskedLanguageModel, Span, Tag
from configs.transformers import Bert
from pipeline.build.recurrent import pooling

Read = Callable[[], tuple[dict[str, Any], Any, Any]]


def bert(recipe: Recipe, model: Bert, size: int, num_labels: int) -> keras.Model:
    """Args: size, of the vocabulary."""
    policy, seed = recipe.train.precision, recipe.seed
    if isinstance(recipe.task, MaskedLanguageModel):
        return pretrained(recipe, model, size, pairs=recipe.task.pairs != "none")
    read = sequence_reader(recipe, model, size)
    rest: dict[str, Any] = {"seed": seed + 101, "dtype": policy, "name": "head"}
    if isinstance(recipe.task, Tag):
        kind = CrfHead if recipe.task.decoder == "crf" else SoftmaxTagHead
        return tagger(read, kind(num_labels, model.head_dropout, **rest), model.kind, starts=True)
    if isinstance(recipe.task, Span):
        return span_reader(read, SpanHead(**rest), model.kind)
    pool: keras.layers.Layer
    if isinstance(model.pooling, FirstToken):
        pool = Pooler(seed + 401, dtype=policy, name="pooler")
    else:
        pool = pooling(recipe, model.pooling)
    head = LinearHead(num_labels, model.head_dropout, None, **rest)
    return text_classifier(read, pool, head, model.kind)


def pretrained(recipe: Recipe, model: Bert, size: int, pairs: bool) -> keras.Model:
    """BERT with the heads of its pretraining. Args: pairs, whether it is asked about pairs."""
    policy, seed = recipe.train.precision, recipe.seed
    body = embeddings_and_encoder(recipe, model, size)
    masked = MaskedLMHead(
        size, model.activation, model.epsilon, seed + 501, dtype=policy, name="mlm"
    )
    if not pairs:
        return bert_pretraining(*body, masked, name=model.kind)
    pooler = Pooler(seed + 401, dtype=policy, name="pooler")
    pair_head = NextSentenceHead(seed + 601, dtype=policy, name="nsp")
    return bert_pretraining(*body, masked, pooler, pair_head, name=model.kind)


def sequence_reader(recipe: Recipe, model: Bert, size: int) -> Read:
    """What reads sequences, with the weight paths that it has in every BERT.

    Call: () -> inputs `ids` and `types` (B, T) int32, see `pipeline.text.wrapping`; (B, T, D); the
        mask.
    """
    embeddings, encoder = embeddings_and_encoder(recipe, model, size)

    def read() -> tuple[dict[str, Any], Any, Any]:
        ids, types = (keras.Input((None,), dtype="int32", name=name) for name in ("ids", "types"))
        mask = ops.not_equal(ids, 0)
        return {"ids": ids, "types": types}, encoder(embeddings(ids, types), mask=mask), mask

    return read


def embeddings_and_encoder(
    recipe: Recipe, model: Bert, size: int
) -> tuple[TokenEmbeddings, Transformer]:
    rest: dict[str, Any] = {"epsilon": model.epsilon, "dtype": recipe.train.precision}
    embeddings = TokenEmbeddings(
        size,
        model.width,
        model.positions,
        num_types=2,
        dropout=model.dropout,
        seed=recipe.seed,
        name="embeddings",
        **rest,
    )
    encoder = Transformer(
        model.layers,
        model.heads,
        model.inner or 4 * model.width,
        model.activation,
        dropout=model.dropout,
        attention_dropout=model.attention_dropout,
        seed=recipe.seed + 1001,
        name="encoder",
        **rest,
    )
    return embeddings, encoder
