"""GPT: as a language model, and fine-tuned for labels beside it."""

from typing import Any

import keras

from components.gpt import gpt_classifier, gpt_language_model
from components.heads import LinearHead
from components.pooling import Pool
from components.token_embeddings import TokenEmbeddings
from components.transformer import Transformer
from configs.recipe import Recipe
from configs.tasks import LanguageModel
from configs.transformers import Gpt
from pipeline.build.language_models import softmax_of


def gpt(recipe: Recipe, model: Gpt, size: int, num_labels: int) -> keras.Model:
    """What reads tokens and what foretells them have the same weight paths for every task.

    Args: size, of the vocabulary.
    """
    policy, seed = recipe.train.precision, recipe.seed
    embeddings, encoder = _pieces(recipe, model, size)
    softmax = softmax_of(recipe, model, size)
    if isinstance(recipe.task, LanguageModel):
        packed = recipe.task.carry == "document"
        return gpt_language_model(embeddings, encoder, softmax, packed)
    head = LinearHead(num_labels, model.head_dropout, None, seed + 101, dtype=policy, name="head")
    pool = Pool("last", dtype=policy, name="pooling")
    beside = softmax if model.auxiliary else None
    return gpt_classifier(embeddings, encoder, pool, head, beside, model.auxiliary)


def _pieces(recipe: Recipe, model: Gpt, size: int) -> tuple[TokenEmbeddings, Transformer]:
    rest: dict[str, Any] = {"epsilon": model.epsilon, "dtype": recipe.train.precision}
    embeddings = TokenEmbeddings(
        size,
        model.width,
        model.context,
        norm=False,
        dropout=model.dropout,
        seed=recipe.seed,
        name="embeddings",
        **rest,
    )
    encoder = Transformer(
        model.layers,
        model.heads,
        model.inner or 4 * model.width,
        "gelu_tanh",
        norm="post" if model.layout == "gpt" else "pre",
        dropout=model.dropout,
        attention_dropout=model.attention_dropout,
        causal=True,
        seed=recipe.seed + 1001,
        name="encoder",
        **rest,
    )
    return embeddings, encoder
