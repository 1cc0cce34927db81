"""What a model must beat to be worth its cost: the same answer for all, a linear model on n-grams.

Source of the linear one's settings: sublinear TF-IDF of words and word pairs is what Wang and
Manning 2012 (https://aclanthology.org/P12-2018) found hard to beat on short texts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from pipeline.evaluation.pair_ngrams import Pair, PairNgrams

MAJORITY, LINEAR, LINEAR_PAIR = "majority", "linear", "linear_pair"
MEAN, RIDGE, RIDGE_PAIR = "mean", "ridge", "ridge_pair"
COMMONEST_TAG = "commonest_tag"
UNIGRAM = "unigram"
SAME_LABELS, LINEAR_LABELS = "same_labels", "linear_labels"
NAMES = {
    MAJORITY: "majority class",
    LINEAR: "TF-IDF + logistic regression",
    LINEAR_PAIR: "TF-IDF of both texts, overlap + logistic regression",
    MEAN: "mean of the training labels",
    RIDGE: "TF-IDF + ridge regression",
    RIDGE_PAIR: "TF-IDF of both texts, overlap + ridge regression",
    COMMONEST_TAG: "each word's commonest tag",
    UNIGRAM: "word frequencies",
    SAME_LABELS: "the same labels for every text",
    LINEAR_LABELS: "TF-IDF + logistic regression of each label",
}
OF_PAIRS = {LINEAR_PAIR, RIDGE_PAIR}
MOST_TEXTS = 100_000  # that the linear model is fitted on: a sample of a larger split

Texts = Sequence[str] | Sequence[Pair]


def predict(train: Texts, labels: np.ndarray, texts: Texts, seed: int) -> dict[str, np.ndarray]:
    """Fit the baselines on the training split; (N,) predicted class of each text or pair."""
    counts = np.bincount(labels)
    answers = {MAJORITY: np.full(len(texts), counts.argmax())}
    if (counts > 0).sum() > 1:
        # saga is ten times as fast as lbfgs with 77 classes, and as right at this tolerance.
        model = LogisticRegression(C=20, solver="saga", tol=1e-3, max_iter=200, random_state=seed)
        answers |= _linear(model, (LINEAR, LINEAR_PAIR), train, labels, texts, seed)
    return answers


def predict_numbers(
    train: Texts, labels: np.ndarray, texts: Texts, seed: int
) -> dict[str, np.ndarray]:
    """The same of a regression: (N,) predicted number of each text or pair."""
    answers = {MEAN: np.full(len(texts), labels.mean(dtype=np.float64))}
    # Of STS-B's pairs alpha 1 has a Pearson's r of 0.715; from 0.1 to 10 the best is 0.720, at 3.
    return answers | _linear(Ridge(alpha=1.0), (RIDGE, RIDGE_PAIR), train, labels, texts, seed)


def _linear(
    model: Any,
    names: tuple[str, str],
    train: Texts,
    labels: np.ndarray,
    texts: Texts,
    seed: int,
) -> dict[str, np.ndarray]:
    """What a scikit-learn model on n-grams answers, by its name for texts or for pairs."""
    found = ngrams(train, seed)
    if found is None:
        return {}
    rows, features, vectorizer = found
    model.fit(features, labels[rows])
    return {names[isinstance(vectorizer, PairNgrams)]: model.predict(vectorizer.transform(texts))}


def ngrams(train: Texts, seed: int, most: int = MOST_TEXTS) -> tuple[np.ndarray, Any, Any] | None:
    """The rows that a model is fitted on, their n-grams, and what makes these of other texts.

    None where no text has a word in it.
    """
    rows = np.random.default_rng(seed).permutation(len(train))[: min(most, MOST_TEXTS)]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    vectorizer: Any = words if isinstance(train[0], str) else PairNgrams(words)
    try:
        return rows, vectorizer.fit_transform([train[row] for row in rows]), vectorizer
    except ValueError:
        return None
