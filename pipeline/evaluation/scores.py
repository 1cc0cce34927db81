"""How good answers are, as functions of how often each example counts (see `intervals` beside).

Each function here takes the labels and the model's answers to a split, and returns its scores:
W (R, N) counts -> (R,), or (R, C) for the scores of single classes.
"""

from collections.abc import Iterable

import numpy as np
from scipy import sparse
from scipy.special import expit, log_softmax, softmax

from pipeline.evaluation import calibration
from pipeline.evaluation.intervals import Score, Share

TITLES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "matthews": "Matthews correlation",
    "micro_f1": "micro F1",
    "entity_f1": "entity F1",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "exact": "exact match",
    "subset_accuracy": "all labels right",
    "nll": "negative log-likelihood",
    "ece": "calibration error",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "pearson": "Pearson's r",
    "spearman": "Spearman's rho",
    "perplexity": "perplexity",
    "cache_perplexity": "perplexity with a cache",
    "masked_loss": "loss of hidden tokens",
    "pair_loss": "loss of pairs",
    "pair_accuracy": "accuracy of pairs",
    "unigram_accuracy": "accuracy of the commonest token",
    "unigram_perplexity": "perplexity of word frequencies",
    "unknown_words": "unknown words",
}
PERCENT = {  # fit to be shown so
    *("accuracy", "macro_f1", "micro_f1", "subset_accuracy", "ece"),
    *("pair_accuracy", "unigram_accuracy"),
    *("entity_f1", "precision", "recall", "unknown_words", "f1", "exact"),
}


def classify(labels: np.ndarray, logits: np.ndarray) -> dict[str, Score]:
    """(N,) labels, (N, C) logits -> accuracy, macro F1, Matthews correlation, negative
    log-likelihood, ECE.

    A logit of minus infinity is of a label that the model does not know. The log-likelihood, which
    would be infinite, is over the examples whose label it does.
    """
    predicted = logits.argmax(axis=1)
    every = np.arange(len(labels))
    loss = -log_softmax(logits, axis=1)[every, labels]
    known = np.isfinite(logits[every, labels])
    confidence = softmax(logits, axis=1).max(axis=1)
    classes = by_class(labels, predicted, logits.shape[1])
    return {
        "accuracy": Share(predicted == labels),
        "macro_f1": macro(classes["f1"]),
        "matthews": matthews(labels, predicted, logits.shape[1]),
        "nll": mean_of(known, loss),
        "ece": calibration.error(confidence, predicted == labels),
    }


def multilabel(labels: np.ndarray, logits: np.ndarray, thresholds: np.ndarray) -> dict[str, Score]:
    """(N, C) labels of 0 and 1, (N, C) logits, (C,) thresholds of probabilities -> micro and macro
    F1, subset accuracy, mean loss.

    Subset accuracy counts a text as right only if all of its labels are; the loss, `nll`, is the
    cross-entropy summed over a text's labels, but for those of a logit of minus infinity, which the
    model does not know.
    """
    predicted = expit(logits) > thresholds
    true = labels > 0
    loss = cross_entropies(labels, logits)
    return {
        "micro_f1": micro_f1_of(true, predicted),
        "macro_f1": macro(by_label(true, predicted)["f1"]),
        "subset_accuracy": Share((true == predicted).all(axis=1)),
        "nll": mean(loss.sum(axis=1)),
    }


def micro_f1(hits: np.ndarray, both: np.ndarray) -> Score:
    """(N,) right labels of each text, (N,) its labels and those predicted, counted together."""
    return lambda w: ratio(2 * (w @ hits), w @ both)


def micro_f1_of(true: np.ndarray, predicted: np.ndarray) -> Score:
    """The same of (N, C) labels, true or not."""
    return micro_f1((true & predicted).sum(axis=1), true.sum(axis=1) + predicted.sum(axis=1))


def micro_f1_of_sets(labels: Iterable[Iterable], predicted: Iterable[Iterable]) -> Score:
    """The same of N texts' labels by name."""
    pairs = list(zip(map(set, labels), map(set, predicted), strict=True))
    hits = np.array([len(there & found) for there, found in pairs], float)
    return micro_f1(hits, np.array([len(there) + len(found) for there, found in pairs], float))


def regress(labels: np.ndarray, values: np.ndarray) -> dict[str, Score]:
    """(N,) labels, (N,) values -> RMSE, MAE, Pearson's and Spearman's correlation."""
    squared = mean((values - labels) ** 2)
    return {
        "rmse": lambda w: np.sqrt(squared(w)),
        "mae": mean(np.abs(values - labels)),
        "pearson": lambda w: correlation(w, labels[None], values[None]),
        "spearman": lambda w: correlation(w, ranks(w, labels), ranks(w, values)),
    }


def matthews(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> Score:
    """The correlation of labels and answers, of any number of classes: (R,), 0 where one of them
    does not vary.

    Source: Gorodkin 2004, https://doi.org/10.1016/j.compbiolchem.2004.09.006, equation 8.
    """
    everyone = np.ones(len(labels), bool)
    there, found = (marks(codes, everyone, num_classes) for codes in (labels, predicted))

    def score(w: np.ndarray) -> np.ndarray:
        total, right = w.sum(axis=1), w @ (labels == predicted)
        t, p = count(there, w), count(found, w)
        covariance, of_labels, of_answers = (
            total * agreed - (a * b).sum(axis=1)
            for agreed, a, b in ((right, t, p), (total, t, t), (total, p, p))
        )
        return ratio(covariance, np.sqrt(of_labels * of_answers))

    return score


def cross_entropies(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """(N, C) of 0 and 1, (N, C) -> (N, C), of each label alone; 0 where the logit is not finite."""
    known = np.isfinite(logits)
    logits = np.where(known, logits, 0.0)
    return np.where(known, np.logaddexp(0, logits) - labels * logits, 0.0)


def mean_of(which: np.ndarray, values: np.ndarray) -> Score:
    """The mean of the values that `which`, (N,) bool, names."""
    values = np.where(which, values, 0.0)
    return lambda w: ratio(w @ values, w @ which, np.nan)


def mean(values: np.ndarray) -> Score:
    return lambda w: w @ values / w.sum(axis=1)


def by_class(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> dict[str, Score]:
    """Precision, recall and F1 of each class of a single-label task, (R, C)."""
    everyone = np.ones(len(labels), bool)
    return by_counts(
        marks(labels, labels == predicted, num_classes),
        marks(predicted, everyone, num_classes),
        marks(labels, everyone, num_classes),
    )


def by_label(true: np.ndarray, predicted: np.ndarray) -> dict[str, Score]:
    """Precision, recall and F1 of each label of a multi-label task, (R, C)."""
    hits = true & predicted
    return by_counts(*(sparse.csr_array(m.T.astype(float)) for m in (hits, predicted, true)))


def by_counts(
    hits: sparse.csr_array, found: sparse.csr_array, there: sparse.csr_array
) -> dict[str, Score]:
    """Precision, recall and F1 of each class, (R, C), from (C, N) counts of each example.

    Args: hits, right answers; found, all answers; there, all labels.
    """
    return {
        "precision": lambda w: ratio(count(hits, w), count(found, w)),
        "recall": lambda w: ratio(count(hits, w), count(there, w)),
        # A class that neither stands in the labels nor was predicted has no F1.
        "f1": lambda w: ratio(2 * count(hits, w), count(found, w) + count(there, w), np.nan),
    }


def marks(codes: np.ndarray, which: np.ndarray, num_classes: int) -> sparse.csr_array:
    """(C, N): a 1 for the class of each example that `which` (N,) names."""
    every = np.flatnonzero(which)
    shape = (num_classes, len(codes))
    return sparse.csr_array((np.ones(len(every)), (codes[every], every)), shape=shape)


def count(marked: sparse.csr_array, w: np.ndarray) -> np.ndarray:
    """(C, N) marks, (R, N) counts -> (R, C), how many of each class."""
    return (marked @ w.T).T


def macro(f1: Score) -> Score:
    """The mean over the classes that have an F1, as scikit-learn takes it."""
    return lambda w: np.nanmean(f1(w), axis=1)


def nearness(losses: np.ndarray, words: np.ndarray) -> Score:
    """Minus the perplexity, so that more is better."""
    found = perplexity(losses, words)
    return lambda w: -found(w)


def perplexity(losses: np.ndarray, words: np.ndarray) -> Score:
    """exp of the mean loss of a word, whatever document it is in."""
    return lambda w: np.exp(w @ losses / (w @ words))


def ratio(above: np.ndarray, below: np.ndarray, nothing: float = 0.0) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), nothing), where=below > 0)


def correlation(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson's, of (R or 1, N) values; NaN where one of them does not vary."""
    total = w.sum(axis=1, keepdims=True)
    x, y = x - x[:, :1], y - y[:, :1]  # so that rounding leaves nothing of what does not vary
    x = x - (w * x).sum(axis=1, keepdims=True) / total
    y = y - (w * y).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((w * x * x).sum(axis=1) * (w * y * y).sum(axis=1))
    return ratio((w * x * y).sum(axis=1), spread, np.nan)


def ranks(w: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(R, N): the rank of each value where it stands as often as W says; ties share their mean."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    size = np.add.reduceat(w[:, order], starts, axis=1)
    return (size.cumsum(axis=1) - (size - 1) / 2)[:, group]
