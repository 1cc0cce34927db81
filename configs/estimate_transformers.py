"""How large BERTs and GPTs are, and what their training keeps, for `configs.estimate`."""

from configs.estimate_parts import of_head, of_pooling, of_softmax, pooled_vectors, scored_tokens
from configs.poolings import FirstToken
from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Tag
from configs.transformers import Bert, Gpt, Transformer


def bert(recipe: Recipe, model: Bert, vocabulary: int, outputs: int) -> dict[str, int]:
    """Parameters of each part, see `configs.estimate.parameters`."""
    width = model.width
    parts = {
        "embeddings": (vocabulary + model.positions + 2 + 2) * width,
        "encoder": model.layers * _layer(model),
    }
    if isinstance(recipe.task, Tag | Span):
        return {**parts, **of_head(recipe, width, outputs)}
    if isinstance(recipe.task, MaskedLanguageModel):
        pooler = of_pooling(FirstToken(), width)
        pairs = {"pooler": pooler, "nsp": 2 * (width + 1)}
        masked = {"mlm": width * (width + 1) + 2 * width + vocabulary}
        return {**parts, **masked, **(pairs if recipe.task.pairs != "none" else {})}
    own = "pooler" if isinstance(model.pooling, FirstToken) else "pooling"
    pooled = pooled_vectors(model.pooling) * width
    head = outputs * (pooled + 1)
    return {**parts, own: of_pooling(model.pooling, width), "head": head}


def gpt(recipe: Recipe, model: Gpt, vocabulary: int, outputs: int) -> dict[str, int]:
    """Parameters of each part, see `configs.estimate.parameters`."""
    width = model.width
    parts = {
        "embeddings": (vocabulary + model.context) * width,
        "encoder": model.layers * _layer(model) + (2 * width if model.layout == "gpt2" else 0),
    }
    softmax = {"softmax": of_softmax(model, vocabulary)}
    if isinstance(recipe.task, LanguageModel):
        return parts | softmax
    parts |= softmax if model.auxiliary else {}
    return {**parts, "head": outputs * (width + 1)}


def kept_by_bert(recipe: Recipe, model: Bert) -> int:
    """Numbers kept for each token, and the gradient of each."""
    kept = _kept(model, recipe.text.max_length)
    if isinstance(recipe.task, MaskedLanguageModel):
        # Of each mask the scores of all tokens, what becomes of them, and gradients.
        kept += round(recipe.task.masking.rate * 4 * recipe.text.tokenizer.size)
    return kept


def kept_by_gpt(recipe: Recipe, model: Gpt) -> int:
    """Numbers kept for each token, and the gradient of each."""
    foretells = isinstance(recipe.task, LanguageModel)
    kept = _kept(model, model.context if foretells else recipe.text.max_length)
    # The scores of all tokens, what becomes of them, and gradients.
    return kept + 4 * (scored_tokens(recipe, model) if foretells or model.auxiliary else 0)


def _inner(model: Transformer) -> int:
    return model.inner or 4 * model.width


def _layer(model: Transformer) -> int:
    """Attention, two linear layers, and a norm after each."""
    width, inner = model.width, _inner(model)
    return 4 * width * (width + 1) + inner * (width + 1) + width * (inner + 1) + 4 * width


def _kept(model: Transformer, length: int) -> int:
    """Of a layer: queries, keys, values, contexts; what is dropped, added and normed, twice;
    between the linear layers three times; and of each head the weights of all tokens.
    """
    layer = 10 * model.width + 3 * _inner(model) + 3 * model.heads * length
    return 4 * model.width + model.layers * layer
