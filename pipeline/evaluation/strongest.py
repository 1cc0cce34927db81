"""What a text CNN looks for: the n-grams of the training data that speak loudest."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from pipeline import batching, data
from pipeline.evaluation.explain import Windows, windows

BATCH = 64
MOST_TOKENS = 300_000  # that are searched: a sample of a larger training split
PER_TEXT = 3  # windows of a text that are looked at, for each width and class

Ngram = tuple[int, ...]  # token ids


def search(
    model: keras.Model, split: data.Split, kind: str, seed: int, filters: int = 12, top: int = 5
) -> tuple[list[list[tuple[Ngram, float]]], list[dict[str, Any]]]:
    """Search a split for what excites the model.

    Args: kind, of the task; filters, how many of them, those with the largest weights in the head.

    Returns:
        For each class, the n-grams of its own texts with the largest part in its logit: against
        the mean of all classes if `kind` is `classify`. A regression has two classes, what lowers
        its value and what raises it.
        For each of the filters {"width", "filter", "weights" (C,), "ngrams" [(ngram, response)]}.
    """
    classes: list[dict[Ngram, float]] = []
    chosen: list[dict[str, Any]] = []
    for rows, batch in _batches(model, split, seed):
        classes = classes or [{} for _ in range(_for_classes(batch[0].weights, kind).shape[-1])]
        chosen = chosen or _largest(batch, kind, filters)
        own = _own_classes(split.labels[rows], kind, len(classes))
        for seen in batch:
            _search_classes(split, rows, seen, own, kind, classes)
        for entry in chosen:
            seen = batch[entry["which"]]
            responses = seen.passed[:, :, entry["filter"]].max(axis=2)  # (B, N)
            for b, n in enumerate(responses.argmax(axis=1)):
                _keep(entry["found"], _ngram(split, rows[b], seen, n), responses[b, n])
    return [_loudest(ngrams, top) for ngrams in classes], [
        {
            "width": entry["width"],
            "filter": entry["filter"],
            "weights": entry["weights"],
            "ngrams": _loudest(entry["found"], top),
        }
        for entry in chosen
    ]


def _batches(
    model: keras.Model, split: data.Split, seed: int
) -> Iterator[tuple[np.ndarray, list[Windows]]]:
    rows = np.random.default_rng(seed).permutation(len(split))
    rows = rows[: max(1, np.searchsorted(np.cumsum(split.lengths[rows]), MOST_TOKENS))]
    rows = rows[np.argsort(split.lengths[rows], kind="stable")]
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        yield batch, windows(model, batching.batch(split, batch, 1)["ids"])


def _search_classes(
    split: data.Split,
    rows: np.ndarray,
    seen: Windows,
    own: np.ndarray,
    kind: str,
    found: list[dict[Ngram, float]],
) -> None:
    """Add the strongest windows of each text for each of its own classes."""
    weights = _for_classes(seen.weights, kind)
    texts, classes = np.nonzero(own)
    passed = seen.passed[texts].reshape(len(texts), len(seen.starts), -1)
    parts = passed @ weights.reshape(-1, weights.shape[-1]).T[classes][:, :, None]
    for b, c, part in zip(texts, classes, parts[..., 0], strict=True):
        for n in np.argsort(-part)[:PER_TEXT]:
            _keep(found[c], _ngram(split, rows[b], seen, n), part[n])


def _own_classes(labels: np.ndarray, kind: str, num_classes: int) -> np.ndarray:
    """(B, C), the classes whose n-grams are looked for in each text."""
    if kind == "regress":
        return np.ones((len(labels), 2), bool)
    return labels > 0 if kind == "multilabel" else labels[:, None] == np.arange(num_classes)


def _for_classes(weights: np.ndarray, kind: str) -> np.ndarray:
    """(F, k, C) weights of the head -> of speaking for a class."""
    if kind == "regress":
        return np.concatenate([-weights, weights], axis=-1)
    # What speaks for all classes alike changes nothing in a softmax.
    return weights - weights.mean(-1, keepdims=True) if kind == "classify" else weights


def _largest(batch: list[Windows], kind: str, number: int) -> list[dict[str, Any]]:
    entries = [
        {"which": which, "width": seen.width, "filter": f, "weights": weights, "found": {}}
        for which, seen in enumerate(batch)
        for f, weights in enumerate(_for_classes(seen.weights, kind).sum(axis=1))
    ]
    return sorted(entries, key=lambda entry: -np.abs(entry["weights"]).max())[:number]


def _ngram(split: data.Split, row: int, seen: Windows, n: int) -> Ngram:
    tokens = split.ids[row]
    return tuple(tokens[seen.span(n, len(tokens))].tolist())


def _keep(found: dict[Ngram, float], ngram: Ngram, value: float) -> None:
    if value > found.get(ngram, 0.0):
        found[ngram] = float(value)


def _loudest(found: dict[Ngram, float], top: int) -> list[tuple[Ngram, float]]:
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:top]
