"""How large a recipe's model is and what memory its training takes, told without TensorFlow."""

from typing import assert_never

from configs.models import TextCNN
from configs.recipe import Recipe
from configs.training import SGD, Adadelta, Adam, Train

FLOAT = 4  # bytes; weights, gradients and optimizer state are float32 under every precision


def parameters(recipe: Recipe, vocabulary: int, outputs: int) -> dict[str, int]:
    """Parameters of each part of the model.

    Args: vocabulary, number of token ids; outputs, of the head: labels, or 1 for a regression.
    """
    match recipe.model:
        case TextCNN() as model:
            tables = 2 if model.embedding.kind == "multichannel" else 1
            width, filters = model.embedding.width, model.filters
            pooled = filters * len(model.widths) * (model.k if model.pooling == "kmax" else 1)
            return {
                "embeddings": tables * vocabulary * width,
                "features": sum(filters * (window * width + 1) for window in model.widths),
                "head": outputs * (pooled + 1),
            }
        case unknown:
            assert_never(unknown)


def state_bytes(recipe: Recipe, sizes: dict[str, int]) -> int:
    """Weights, gradients, optimizer state and averages, from the sizes of `parameters`."""
    fixed = {"static": 1.0, "multichannel": 0.5}.get(recipe.model.embedding.kind, 0.0)
    total = sum(sizes.values())
    trained = total - int(sizes["embeddings"] * fixed)
    copies = 1 + _slots(recipe.train) + (recipe.train.ema is not None)  # 1: the gradients
    return FLOAT * (total + copies * trained)


def activation_bytes(recipe: Recipe) -> int:
    """What a step keeps for the backward pass, at most: every text as long as it may be."""
    train, model = recipe.train, recipe.model
    positions = train.batch_tokens or (train.batch_size or 0) * recipe.text.max_length
    # A position's vector, alone and masked; a filter's response, rectified and masked; and the
    # gradient of each.
    kept = 2 * (2 * model.embedding.width + 3 * model.filters * len(model.widths))
    size = FLOAT if train.precision == "float32" else FLOAT // 2
    return positions // train.accumulation * kept * size


def _slots(train: Train) -> int:
    """How many numbers the optimizer remembers for a parameter."""
    match train.optimizer:
        case Adam() | Adadelta():
            return 2
        case SGD(momentum=momentum):
            return 1 if momentum else 0
        case unknown:
            assert_never(unknown)
