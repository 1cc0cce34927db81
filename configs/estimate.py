"""How large a recipe's model is and what memory its training takes, told without TensorFlow."""

from collections.abc import Sequence
from itertools import pairwise
from operator import mul
from typing import assert_never

from configs.models import (
    AwdLstm,
    Characters,
    Elmo,
    Embedding,
    Ensemble,
    Recurrent,
    TextCNN,
)
from configs.poolings import Attention, FirstToken, SelfAttentive, SequencePooling
from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Tag
from configs.training import SGD, Adadelta, Adam, Lamb, Train
from configs.transformers import Bert, Gpt

FLOAT = 4  # bytes; weights, gradients and optimizer state are float32 under every precision
BYTES = 262  # different characters of a word: bytes and marks
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def parameters(
    recipe: Recipe, vocabulary: int, outputs: int, members: Sequence[Recipe] = ()
) -> dict[str, int]:
    """Parameters of each part of the model, without those of a pretrained ELMo that it uses.

    Args: vocabulary, number of token ids; outputs, of the head: labels, or 1 for a regression;
        members, the recipes of an ensemble's.
    """
    match recipe.model:
        case TextCNN() as model:
            width = token_width(model.embedding)
            pooled = model.filters * len(model.widths)
            pooled *= model.k if model.pooling == "kmax" else 1
            return {
                **_embedding(model.embedding, vocabulary),
                "features": sum(model.filters * (window * width + 1) for window in model.widths),
                **_head(recipe, pooled, outputs),
            }
        case Recurrent() as model:
            directions = 2 if model.bidirectional else 1
            out = directions * (model.projection or model.units)
            sides = 2 * isinstance(recipe.task, Span)  # of the question, of the context
            widths = [token_width(model.embedding) + sides, *[out] * (model.layers - 1)]
            layers = sum(_recurrent(model, width) for width in widths)
            parts = {
                **_embedding(model.embedding, vocabulary),
                "encoder": directions * layers,
            }
            if not isinstance(recipe.task, Tag | Span):
                parts["pooling"] = _pooling(model.pooling, out)
                out *= _pooled(model.pooling)
            return {**parts, **_head(recipe, out, outputs)}
        case Elmo() as model:
            width = model.characters.projection or 0
            layer = 4 * model.units * (2 * width + 1) + model.units * width
            return {
                "characters": _characters(model.characters),
                "encoder": 2 * model.layers * layer,
                "softmax": vocabulary * (width + 1),
            }
        case Bert() as model:
            width = model.width
            parts = {
                "embeddings": (vocabulary + model.positions + 2 + 2) * width,
                "encoder": model.layers * _transformer_layer(width, _inner(model)),
            }
            if isinstance(recipe.task, Tag | Span):
                return {**parts, **_head(recipe, width, outputs)}
            if isinstance(recipe.task, MaskedLanguageModel):
                pooler = _pooling(FirstToken(), width)
                pairs = {"pooler": pooler, "nsp": 2 * (width + 1)}
                masked = {"mlm": width * (width + 1) + 2 * width + vocabulary}
                return {**parts, **masked, **(pairs if recipe.task.pairs != "none" else {})}
            own = "pooler" if isinstance(model.pooling, FirstToken) else "pooling"
            pooled = _pooled(model.pooling) * width
            head = outputs * (pooled + 1)
            return {**parts, own: _pooling(model.pooling, width), "head": head}
        case Gpt() as model:
            width = model.width
            layers = model.layers * _transformer_layer(width, _inner(model))
            parts = {
                "embeddings": (vocabulary + model.context) * width,
                "encoder": layers + (2 * width if model.layout == "gpt2" else 0),
            }
            softmax = {"softmax": _softmax(model, vocabulary)}
            if isinstance(recipe.task, LanguageModel):
                return parts | softmax
            parts |= softmax if model.auxiliary else {}
            return {**parts, "head": outputs * (width + 1)}
        case Ensemble():
            each = [sum(parameters(m, vocabulary, outputs).values()) for m in members]
            return {f"member_{number}": size for number, size in enumerate(each)}
        case AwdLstm() as model:
            layers = sum(4 * units * (width + units + 1) for width, units in _awd_layers(model))
            parts = {"embeddings": vocabulary * model.width, "encoder": layers}
            if isinstance(recipe.task, LanguageModel):
                return {**parts, "softmax": _softmax(model, vocabulary)}
            inner, pooled = model.head.width, 3 * model.width
            head = _moving(model) + inner * (pooled + 1) + outputs * (inner + 1)
            return {**parts, "head": head + 2 * (inner + pooled)}
        case unknown:
            assert_never(unknown)


def token_width(embedding: Embedding) -> int:
    """Numbers in a token's vector, ELMo's apart, which only its files tell."""
    characters = embedding.characters
    return embedding.width + (character_width(characters) if characters else 0)


def character_width(characters: Characters) -> int:
    return characters.projection or sum(number for _, number in characters.filters)


def _embedding(embedding: Embedding, vocabulary: int) -> dict[str, int]:
    tables = 2 if embedding.kind == "multichannel" else 1
    characters = embedding.characters
    return {
        "embeddings": tables * vocabulary * embedding.width,
        **({"characters": _characters(characters)} if characters else {}),
    }


def _characters(characters: Characters) -> int:
    filters = sum(number for _, number in characters.filters)
    return (
        BYTES * characters.width
        + sum(number * (window * characters.width + 1) for window, number in characters.filters)
        + characters.highways * 2 * filters * (filters + 1)
        + (characters.projection or 0) * (filters + 1)
    )


def _recurrent(model: Recurrent, width: int) -> int:
    """One layer in one direction over vectors of this width."""
    biases = 2 if model.kind == "gru" else 1
    out = model.projection or model.units
    own = GATES[model.kind] * model.units * (width + out + biases)
    return own + (model.units * out if model.projection else 0)


def _inner(model: Bert | Gpt) -> int:
    return model.inner or 4 * model.width


def _transformer_layer(width: int, inner: int) -> int:
    """Attention, two linear layers, and a norm after each."""
    return 4 * width * (width + 1) + inner * (width + 1) + width * (inner + 1) + 4 * width


def _moving(model: AwdLstm) -> int:
    """A mean and a variance of each feature that a classifier normalizes."""
    return 2 * (3 * model.width + model.head.width)


def _awd_layers(model: AwdLstm) -> list[tuple[int, int]]:
    """The width of what each layer reads, and its units."""
    units = [model.units] * (model.layers - 1) + [model.width]
    return list(zip([model.width, *units], units, strict=False))


def _softmax(model: AwdLstm | Gpt, vocabulary: int) -> int:
    cutoffs = [cutoff for cutoff in model.cutoffs if cutoff < vocabulary]
    if model.softmax != "adaptive" or not cutoffs:
        return vocabulary * (1 if model.tied else 1 + model.width)
    narrow = [max(1, model.width // 4**n) for n in range(1, len(cutoffs) + 1)]
    own = vocabulary + len(cutoffs) * (model.width + 1) + model.width * sum(narrow)
    if not model.tied:
        sizes = [end - start for start, end in pairwise([*cutoffs, vocabulary])]
        own += cutoffs[0] * model.width + sum(map(mul, sizes, narrow))
    return own


def _pooling(pooling: SequencePooling, width: int) -> int:
    """Of vectors of this width."""
    match pooling:
        case FirstToken():
            return width * (width + 1)
        case SelfAttentive(width=inner, hops=hops):
            return inner * (width + hops)
        case Attention(score=score, query=query, width=inner):
            scores = {"general": width**2, "additive": 2 * width * inner + inner}
            scores["concat"] = scores["additive"]
            return scores.get(score, 0) + (width if query == "learned" else 0)
        case _:
            return 0


def _pooled(pooling: SequencePooling) -> int:
    """How many vectors stand side by side in a text's one."""
    if isinstance(pooling, SelfAttentive):
        return pooling.hops
    return 3 if pooling.kind == "concat" else 1


def _head(recipe: Recipe, pooled: int, outputs: int) -> dict[str, int]:
    crf = isinstance(recipe.task, Tag) and recipe.task.decoder == "crf"
    pooled *= 4 if getattr(recipe.task, "second", None) else 1
    return {"head": outputs * (pooled + 1) + (outputs * (outputs + 2) if crf else 0)}


def state_bytes(recipe: Recipe, sizes: dict[str, int]) -> int:
    """Weights, gradients, optimizer state and averages, from the sizes of `parameters`."""
    if isinstance(recipe.model, Ensemble):
        return FLOAT * sum(sizes.values())  # nothing is trained
    embedding = getattr(recipe.model, "embedding", Embedding())
    fixed = {"static": 1.0, "multichannel": 0.5}.get(embedding.kind, 0.0)
    total = sum(sizes.values())
    trained = total - int(sizes.get("embeddings", 0) * fixed)
    if isinstance(recipe.model, AwdLstm) and not isinstance(recipe.task, LanguageModel):
        trained -= _moving(recipe.model)
    averages = (recipe.train.ema or recipe.train.averaging) is not None
    copies = 1 + _slots(recipe.train) + averages  # 1: the gradients
    return FLOAT * (total + copies * trained)


def activation_bytes(recipe: Recipe) -> int:
    """What a step keeps for the backward pass, at most: every text as long as it may be."""
    train = recipe.train
    runs_on = isinstance(recipe.task, LanguageModel)
    length = train.window if runs_on else recipe.text.max_length
    if runs_on and isinstance(recipe.model, Gpt):
        length = recipe.model.context
    positions = train.batch_tokens or (train.batch_size or 0) * length
    size = FLOAT if train.precision == "float32" else FLOAT // 2
    return positions // train.accumulation * _kept(recipe) * size


def _kept(recipe: Recipe) -> int:
    """Numbers kept for each token, and the gradient of each."""
    match recipe.model:
        case TextCNN() as model:
            # A token's vector, alone and masked; a filter's response, rectified and masked.
            return 2 * (2 * token_width(model.embedding) + 3 * model.filters * len(model.widths))
        case Recurrent() as model:
            # Gates, state and output of each layer, and its input with and without dropout.
            directions = 2 if model.bidirectional else 1
            layer = directions * (GATES[model.kind] + 2) * model.units
            return 2 * (2 * token_width(model.embedding) + 2 * layer * model.layers)
        case Elmo() as model:
            filters = sum(number for _, number in model.characters.filters)
            scores = model.samples if model.softmax == "sampled" else recipe.text.tokenizer.size
            layers = model.layers * 6 * model.units
            return 2 * 2 * (50 * filters + layers + scores)
        case AwdLstm() as model:
            # As of the others; scores and what becomes of them.
            layers = sum(2 * width + 6 * units for width, units in _awd_layers(model))
            if not isinstance(recipe.task, LanguageModel):
                # The layers have a chunk at a time, vectors and their gradients are of the text.
                longest = recipe.text.max_length
                chunk = min(recipe.train.window, longest)
                return 4 * model.width + 2 * layers * chunk // longest
            return 2 * (2 * model.width + layers + 2 * _scores(recipe, model))
        case Bert() as model:
            # Of a layer: queries, keys, values, contexts; what is dropped, added and normed, twice;
            # between the linear layers three times; and of each head the weights of all tokens.
            weights = 3 * model.heads * recipe.text.max_length
            layer = 10 * model.width + 3 * _inner(model) + weights
            kept = 4 * model.width + model.layers * layer
            if isinstance(recipe.task, MaskedLanguageModel):
                # Of each mask the scores of all tokens, what becomes of them, and gradients.
                kept += round(recipe.task.masking.rate * 4 * recipe.text.tokenizer.size)
            return kept
        case Gpt() as model:
            # As of a BERT; beside it the scores of all tokens, and their gradients.
            foretells = isinstance(recipe.task, LanguageModel)
            length = model.context if foretells else recipe.text.max_length
            layer = 10 * model.width + 3 * _inner(model) + 3 * model.heads * length
            scores = _scores(recipe, model) if foretells or model.auxiliary else 0
            return 4 * model.width + model.layers * layer + 4 * scores
        case Ensemble():
            return 0
        case unknown:
            assert_never(unknown)


def _scores(recipe: Recipe, model: AwdLstm | Gpt) -> int:
    """Of how many tokens a softmax tells the score in training, about."""
    few = {"sampled": model.samples, "adaptive": model.cutoffs[0]}
    return few.get(model.softmax, recipe.text.tokenizer.size)


def _slots(train: Train) -> int:
    """How many numbers the optimizer remembers for a parameter."""
    match train.optimizer:
        case Adam() | Lamb() | Adadelta():
            return 2
        case SGD(momentum=momentum):
            return 1 if momentum else 0
        case unknown:
            assert_never(unknown)
