"""What a model must beat to be worth its cost: the commonest class, and a linear model on n-grams.

Source of the linear one's settings: sublinear TF-IDF of words and word pairs is what Wang and
Manning 2012 (https://aclanthology.org/P12-2018) found hard to beat on short texts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from pipeline.evaluation.pair_ngrams import Pair, PairNgrams

MAJORITY, LINEAR, LINEAR_PAIR = "majority", "linear", "linear_pair"
COMMONEST_TAG = "commonest_tag"
NAMES = {
    MAJORITY: "majority class",
    LINEAR: "TF-IDF + logistic regression",
    LINEAR_PAIR: "TF-IDF of both texts, overlap + logistic regression",
    COMMONEST_TAG: "each word's commonest tag",
}
MOST_TEXTS = 100_000  # that the linear model is fitted on: a sample of a larger split


def predict(
    train_texts: Sequence[str] | Sequence[Pair],
    train_labels: np.ndarray,
    texts: Sequence[str] | Sequence[Pair],
    seed: int,
) -> dict[str, np.ndarray]:
    """Fit the baselines on the training split; (N,) predicted class of each text or pair."""
    counts = np.bincount(train_labels)
    answers = {MAJORITY: np.full(len(texts), counts.argmax())}
    if (counts > 0).sum() < 2:
        return answers
    rows = np.random.default_rng(seed).permutation(len(train_texts))[:MOST_TEXTS]
    pairs = not isinstance(train_texts[0], str)
    ngrams = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    vectorizer: Any = PairNgrams(ngrams) if pairs else ngrams
    try:
        features = vectorizer.fit_transform([train_texts[row] for row in rows])
    except ValueError:  # no text has a word in it
        return answers
    # saga is ten times as fast as lbfgs with 77 classes, and as right at this tolerance.
    model = LogisticRegression(C=20, solver="saga", tol=1e-3, max_iter=200, random_state=seed)
    model.fit(features, train_labels[rows])
    answers[LINEAR_PAIR if pairs else LINEAR] = model.predict(vectorizer.transform(texts))
    return answers
