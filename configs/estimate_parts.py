"""What the parts of a model come to that several families have."""

from itertools import pairwise
from operator import mul

from configs.models import AwdLstm, Characters, Embedding
from configs.poolings import Attention, FirstToken, SelfAttentive, SequencePooling
from configs.recipe import Recipe
from configs.tasks import Tag
from configs.transformers import Gpt

BYTES = 262  # different characters of a word: bytes and marks


def token_width(embedding: Embedding) -> int:
    """Numbers in a token's vector, ELMo's apart, which only its files tell."""
    characters = embedding.characters
    return embedding.width + (character_width(characters) if characters else 0)


def character_width(characters: Characters) -> int:
    return characters.projection or sum(number for _, number in characters.filters)


def of_embedding(embedding: Embedding, vocabulary: int) -> dict[str, int]:
    tables = 2 if embedding.kind == "multichannel" else 1
    characters = embedding.characters
    return {
        "embeddings": tables * vocabulary * embedding.width,
        **({"characters": of_characters(characters)} if characters else {}),
    }


def of_characters(characters: Characters) -> int:
    filters = sum(number for _, number in characters.filters)
    return (
        BYTES * characters.width
        + sum(number * (window * characters.width + 1) for window, number in characters.filters)
        + characters.highways * 2 * filters * (filters + 1)
        + (characters.projection or 0) * (filters + 1)
    )


def of_softmax(model: AwdLstm | Gpt, vocabulary: int) -> int:
    cutoffs = [cutoff for cutoff in model.cutoffs if cutoff < vocabulary]
    if model.softmax != "adaptive" or not cutoffs:
        return vocabulary * (1 if model.tied else 1 + model.width)
    narrow = [max(1, model.width // 4**n) for n in range(1, len(cutoffs) + 1)]
    own = vocabulary + len(cutoffs) * (model.width + 1) + model.width * sum(narrow)
    if not model.tied:
        sizes = [end - start for start, end in pairwise([*cutoffs, vocabulary])]
        own += cutoffs[0] * model.width + sum(map(mul, sizes, narrow))
    return own


def scored_tokens(recipe: Recipe, model: AwdLstm | Gpt) -> int:
    """Of how many tokens a softmax tells the score in training, about."""
    few = {"sampled": model.samples, "adaptive": model.cutoffs[0]}
    return few.get(model.softmax, recipe.text.tokenizer.size)


def of_pooling(pooling: SequencePooling, width: int) -> int:
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


def pooled_vectors(pooling: SequencePooling) -> int:
    """How many vectors stand side by side in a text's one."""
    if isinstance(pooling, SelfAttentive):
        return pooling.hops
    return 3 if pooling.kind == "concat" else 1


def of_head(recipe: Recipe, pooled: int, outputs: int) -> dict[str, int]:
    crf = isinstance(recipe.task, Tag) and recipe.task.decoder == "crf"
    pooled *= 4 if getattr(recipe.task, "second", None) else 1
    return {"head": outputs * (pooled + 1) + (outputs * (outputs + 2) if crf else 0)}
