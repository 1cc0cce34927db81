"""What a model that gives several labels must beat: the same for all, a linear model of each label.

Their thresholds are chosen as the model's own are.
"""

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from pipeline.evaluation.baselines import LINEAR_LABELS, SAME_LABELS, Texts, ngrams

MOST_LABELS = 1_000_000  # of all texts that the linear models are fitted on: half a minute
Chances = Callable[[Texts], np.ndarray]


def fit(train: Texts, labels: np.ndarray, seed: int) -> dict[str, Chances]:
    """Fit the baselines on the training split, with (N, C) labels of 0 and 1.

    Returns functions of M texts to (M, C) probabilities of the labels.
    """
    frequencies = labels.mean(axis=0, dtype=np.float64)
    fitted: dict[str, Chances] = {
        SAME_LABELS: lambda texts: np.tile(frequencies, (len(texts), 1)),
    }
    found = ngrams(train, seed, MOST_LABELS // labels.shape[1])
    if found is None:
        return fitted
    rows, features, vectorizer = found
    # liblinear is made for two classes and sparse features; C as of the model of one label.
    model = OneVsRestClassifier(LogisticRegression(C=20, solver="liblinear", random_state=seed))
    with warnings.catch_warnings():  # of a label that all texts of a sample have, or none
        warnings.simplefilter("ignore", UserWarning)
        model.fit(features, labels[rows])
    fitted[LINEAR_LABELS] = lambda texts: _all_columns(model, vectorizer.transform(texts))
    return fitted


def _all_columns(model: OneVsRestClassifier, features: object) -> np.ndarray:
    """(M, C): scikit-learn takes a single label for two classes, and answers both."""
    found = model.predict_proba(features)
    return found[:, 1:] if len(model.estimators_) == 1 else found
