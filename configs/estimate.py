"""How large a recipe's model is and what memory its training takes, told without TensorFlow."""

from collections.abc import Sequence
from typing import assert_never

from configs import estimate_transformers
from configs.estimate_parts import (
    of_characters,
    of_embedding,
    of_head,
    of_pooling,
    of_softmax,
    pooled_vectors,
    scored_tokens,
    token_width,
)
from configs.models import AwdLstm, Elmo, Embedding, Ensemble, Recurrent, TextCNN
from configs.recipe import Recipe
from configs.tasks import LanguageModel, Span, Tag
from configs.training import SGD, Adadelta, Adam, Lamb, Train
from configs.transformers import Bert, Gpt

FLOAT = 4  # bytes; weights, gradients and optimizer state are float32 under every precision
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
                **of_embedding(model.embedding, vocabulary),
                "features": sum(model.filters * (window * width + 1) for window in model.widths),
                **of_head(recipe, pooled, outputs),
            }
        case Recurrent() as model:
            directions = 2 if model.bidirectional else 1
            out = directions * (model.projection or model.units)
            sides = 2 * isinstance(recipe.task, Span)  # of the question, of the context
            widths = [token_width(model.embedding) + sides, *[out] * (model.layers - 1)]
            layers = sum(_recurrent(model, width) for width in widths)
            parts = {
                **of_embedding(model.embedding, vocabulary),
                "encoder": directions * layers,
            }
            if not isinstance(recipe.task, Tag | Span):
                parts["pooling"] = of_pooling(model.pooling, out)
                out *= pooled_vectors(model.pooling)
            return {**parts, **of_head(recipe, out, outputs)}
        case Elmo() as model:
            width = model.characters.projection or 0
            layer = 4 * model.units * (2 * width + 1) + model.units * width
            return {
                "characters": of_characters(model.characters),
                "encoder": 2 * model.layers * layer,
                "softmax": vocabulary * (width + 1),
            }
        case Bert() as model:
            return estimate_transformers.bert(recipe, model, vocabulary, outputs)
        case Gpt() as model:
            return estimate_transformers.gpt(recipe, model, vocabulary, outputs)
        case Ensemble():
            each = [sum(parameters(m, vocabulary, outputs).values()) for m in members]
            return {f"member_{number}": size for number, size in enumerate(each)}
        case AwdLstm() as model:
            layers = sum(4 * units * (width + units + 1) for width, units in _awd_layers(model))
            parts = {"embeddings": vocabulary * model.width, "encoder": layers}
            if isinstance(recipe.task, LanguageModel):
                return {**parts, "softmax": of_softmax(model, vocabulary)}
            inner, pooled = model.head.width, 3 * model.width
            head = _moving(model) + inner * (pooled + 1) + outputs * (inner + 1)
            return {**parts, "head": head + 2 * (inner + pooled)}
        case unknown:
            assert_never(unknown)


def _recurrent(model: Recurrent, width: int) -> int:
    """One layer in one direction over vectors of this width."""
    biases = 2 if model.kind == "gru" else 1
    out = model.projection or model.units
    own = GATES[model.kind] * model.units * (width + out + biases)
    return own + (model.units * out if model.projection else 0)


def _moving(model: AwdLstm) -> int:
    """A mean and a variance of each feature that a classifier normalizes."""
    return 2 * (3 * model.width + model.head.width)


def _awd_layers(model: AwdLstm) -> list[tuple[int, int]]:
    """The width of what each layer reads, and its units."""
    units = [model.units] * (model.layers - 1) + [model.width]
    return list(zip([model.width, *units], units, strict=False))


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
            return 2 * (2 * model.width + layers + 2 * scored_tokens(recipe, model))
        case Bert() as model:
            return estimate_transformers.kept_by_bert(recipe, model)
        case Gpt() as model:
            return estimate_transformers.kept_by_gpt(recipe, model)
        case Ensemble():
            return 0
        case unknown:
            assert_never(unknown)


def _slots(train: Train) -> int:
    """How many numbers the optimizer remembers for a parameter."""
    match train.optimizer:
        case Adam() | Lamb() | Adadelta():
            return 2
        case SGD(momentum=momentum):
            return 1 if momentum else 0
        case unknown:
            assert_never(unknown)
