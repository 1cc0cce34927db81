"""A new model starts from trained weights: those whose layer and shape it shares.

What has a row for each word of a vocabulary goes over word by word, and a new word gets the mean of
all old rows: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, and its code in fastai.
"""

import logging
from collections.abc import Iterable

import keras
import numpy as np

from configs.models import AwdLstm
from configs.recipe import Recipe
from configs.transformers import Bert, Gpt, Transformer
from pipeline import earlier_weights, provenance
from pipeline.earlier_weights import Earlier
from pipeline.errors import JobError
from pipeline.training import checkpoints
from pipeline.vectors import SPECIAL, Coverage

HEAD = "head"  # the layer whose outputs are the labels
PAIRS = "nsp"  # the layer whose outputs are answers about pairs of texts
UNKNOWN = ("[UNK]", "<unk>")  # what stands for running words that are not in the vocabulary

log = logging.getLogger("textmill")


def start(
    model: keras.Model,
    recipe: Recipe,
    vocabulary: list[str],
    labels: list[str],
    counts: np.ndarray,
) -> dict[str, str]:
    """Put the weights that `init_from` names into a new model; say what was done.

    They win over the pretrained vectors of `model.embedding`, but for words that they do not know,
    and for what does not train: static vectors and a frozen ELMo stay as their files have them.

    Args: counts, (V,) tokens of each id in the training texts.

    Raises:
        JobError: there are no such weights, none of them fits, or one is of another shape.
    """
    assert recipe.init_from is not None
    earlier = earlier_weights.read(earlier_weights.locate(recipe.init_from, recipe))
    check_sizes(recipe, earlier)
    own = {
        path: variable
        for path, variable in checkpoints.by_path(model.weights).items()
        if variable.trainable or layer_of(path) not in filled(recipe)
    }
    places, firsts = rows(earlier.vocabulary, vocabulary), token_rows(model)
    moved = {
        path: fitted(earlier.weights[path], variable, firsts.get(path), places, earlier, recipe)
        for path, variable in own.items()
        if path in earlier.weights and goes_over(path, earlier, recipe, labels)
    }
    if not moved:
        raise JobError(
            f"init_from: {earlier.folder} has no weights for this model: it is of kind"
            f" {earlier.recipe.model.kind} with {', '.join(layers(earlier.weights))}, this is of"
            f" kind {recipe.model.kind} with {', '.join(layers(own))}"
        )
    checkpoints.assign({path: own[path] for path in moved}, moved)
    new = ", ".join(anew(own, moved)) or "none"
    log.info("train: starts from %s; new: %s", earlier.folder, new)
    told = {"init_from": str(earlier.folder), "init_from.new": new}
    if firsts.keys() & moved.keys():
        found = coverage(vocabulary, places, counts)
        log.info("train: it knew %s", found)
        told["init_from.vocabulary"] = str(found)
    return told


def check_sizes(recipe: Recipe, earlier: Earlier) -> None:
    """Heads, an activation or an epsilon change no shape, and layers that are left out no weight.

    Raises:
        JobError: this Transformer is to compute something else than the earlier one.
    """
    ours, theirs = recipe.model, earlier.recipe.model
    if not (isinstance(ours, Transformer) and isinstance(theirs, type(ours))):
        return
    here, there = sizes(ours), sizes(theirs)
    if differ := {name: value for name, value in there.items() if here[name] != value}:
        own = ", ".join(f"{name} {here[name]}" for name in differ)
        said = ", ".join(f"{name}: {value}" for name, value in differ.items())
        raise JobError(
            f"init_from: {earlier.folder} is of another size: the recipe's model has {own}; say"
            f" model: {{kind: {ours.kind}, {said}, ...}}"
        )


def sizes(model: Transformer) -> dict[str, object]:
    own = ("positions", "activation") if isinstance(model, Bert) else ("context", "layout", "tied")
    names = ("layers", "width", "heads", *own, "epsilon")
    found: dict[str, object] = {name: getattr(model, name) for name in names}
    return {**found, "inner": model.inner or 4 * model.width}


def fitted(
    value: np.ndarray,
    variable: keras.Variable,
    first: int | None,
    places: np.ndarray,
    earlier: Earlier,
    recipe: Recipe,
) -> np.ndarray:
    """An earlier weight in the shape of the new one.

    Args: first, the id of the token that the new one's first row is of, or None if its rows are of
        no tokens; places, as of `rows`.

    Raises:
        JobError: it cannot be.
    """
    path, shape = variable.path, tuple(variable.shape)
    if first is not None and value.shape[1:] == shape[1:]:
        others = variable.numpy() if layer_of(path) in filled(recipe) else value.mean(axis=0)
        start = first_id(path, earlier) if first else 0
        return mapped(value, places[first : first + shape[0]] - start, others)
    if value.shape != shape:
        raise JobError(conflict(path, shape, value.shape, earlier, recipe))
    return value


def goes_over(path: str, earlier: Earlier, recipe: Recipe, labels: list[str]) -> bool:
    """Whether a weight means here what it meant there: a head's are of its labels or question."""
    if layer_of(path) == PAIRS:
        return getattr(earlier.recipe.task, "pairs", None) == getattr(recipe.task, "pairs", None)
    same = (
        earlier.labels == labels
        and earlier.recipe.task.kind == recipe.task.kind
        and earlier.recipe.model.kind == recipe.model.kind
    )
    return same or layer_of(path) != HEAD


def filled(recipe: Recipe) -> set[str]:
    """The layers that have weights from files which the recipe names."""
    vectors = {"embeddings"} if recipe.embedding and recipe.embedding.path else set()
    return vectors | ({"elmo_spelling", "elmo_encoder"} if recipe.elmo else set())


def token_rows(model: keras.Model) -> dict[str, int]:
    """By the path of each weight with a row for each token, the id of the first row's token."""
    found: dict[str, int] = {}
    for layer in model._flatten_layers():
        size = getattr(layer, "vocabulary_size", None)
        if size is None:
            continue
        firsts = getattr(layer, "first_ids", None)
        if firsts is None:
            firsts = {w.name: 0 for w in layer.weights if w.shape and w.shape[0] == size}
        found |= {w.path: firsts[w.name] for w in layer.weights if w.name in firsts}
    return found


def first_id(path: str, earlier: Earlier) -> int:
    """The id of the token that the first row was of, in a cluster of an adaptive softmax.

    All other weights with rows of tokens start with the vocabulary.
    """
    assert isinstance(earlier.recipe.model, AwdLstm | Gpt)
    return earlier.recipe.model.cutoffs[int(path.rpartition("_")[2]) - 1]


def rows(old: list[str], new: list[str]) -> np.ndarray:
    """(V,) of each new token its old id, and -1 of those that there were not."""
    ids = {token: place for place, token in enumerate(old)}
    return np.array([ids.get(token, -1) for token in new])


def mapped(value: np.ndarray, places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The rows (V, ...) in these places, and of `others` (V, ...) or (...) where there is none."""
    known = (places >= 0) & (places < len(value))
    there = known.reshape(-1, *[1] * (value.ndim - 1))
    return np.where(there, value[np.where(known, places, 0)], others).astype(value.dtype)


def coverage(vocabulary: list[str], places: np.ndarray, counts: np.ndarray) -> Coverage:
    """How much of the vocabulary, and of the running words of the training texts, was known."""
    unknown = np.isin(vocabulary, UNKNOWN)
    words = np.array([SPECIAL.fullmatch(token) is None for token in vocabulary]) & ~unknown
    known = words & (places >= 0)
    running = counts[words | unknown].sum()
    return Coverage(
        int(words.sum()), int(known.sum()), float(counts[known].sum() / max(running, 1))
    )


def conflict(path: str, here: tuple, there: tuple, earlier: Earlier, recipe: Recipe) -> str:
    """Two shapes of one weight, and what the recipes say otherwise."""
    ours, theirs = (
        {
            key: value
            for key, value in provenance.flatten(r.model_dump(mode="json")).items()
            if key.startswith("model.") or key == "text.max_length"
        }
        for r in (recipe, earlier.recipe)
    )
    differ = [f"{k} ({theirs[k]} there)" for k in ours if k in theirs and ours[k] != theirs[k]]
    return (
        f"init_from: layer {layer_of(path)!r} does not fit: {path} has shape {here} here and"
        f" {there} in {earlier.folder}; the recipes differ in"
        f" {', '.join(differ) or 'their data alone'}: make them agree where it shapes this layer"
    )


def layer_of(path: str) -> str:
    return path.partition("/")[0]


def layers(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(layer_of, paths)))


def anew(paths: Iterable[str], moved: Iterable[str]) -> list[str]:
    """What keeps its first weights: whole layers, and single weights of the others."""
    left = [path for path in paths if path not in set(moved)]
    some = set(layers(moved))
    return list(dict.fromkeys(path if layer_of(path) in some else layer_of(path) for path in left))
