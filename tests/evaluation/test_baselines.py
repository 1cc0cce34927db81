"""The baselines learn what they can, and no more; numbers against scikit-learn by hand."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from pipeline.evaluation import baselines

TEXTS = ["my card is lost", "the card got lost", "where is my money", "send money back"] * 5
LABELS = np.array([0, 0, 1, 1] * 5)


def test_linear_model_separates_what_words_separate():
    found = baselines.predict(TEXTS, LABELS, ["a lost card", "no money"], seed=1)
    assert found[baselines.LINEAR].tolist() == [0, 1]


def test_majority_is_the_commonest_training_class():
    found = baselines.predict([*TEXTS, "money"], np.append(LABELS, 1), ["a", "b", "c"], seed=1)
    assert found[baselines.MAJORITY].tolist() == [1, 1, 1]


def test_one_class_leaves_nothing_to_fit():
    assert list(baselines.predict(["a b", "c d"], np.zeros(2, int), ["a"], seed=1)) == [
        baselines.MAJORITY
    ]


@pytest.mark.parametrize("texts", [["!", "?"], ["", ""]])
def test_texts_without_words(texts):
    """A linear model has nothing to go by, which must not end the evaluation."""
    found = baselines.predict(texts, np.array([0, 1]), ["!"], seed=1)
    assert list(found) == [baselines.MAJORITY]


VALUES = np.array([1.5, 0.5, 4.0, 5.0] * 5, np.float32)


def test_numbers_are_those_of_scikit_learn_called_directly():
    asked = ["a lost card", "no money", "?"]
    found = baselines.predict_numbers(TEXTS, VALUES, asked, seed=1)
    assert list(found) == [baselines.MEAN, baselines.RIDGE]
    np.testing.assert_allclose(found[baselines.MEAN], [2.75] * 3)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(TEXTS)
    direct = Ridge().fit(words.transform(TEXTS), VALUES).predict(words.transform(asked))
    np.testing.assert_allclose(found[baselines.RIDGE], direct, atol=1e-3)  # by conjugate gradients
    assert found[baselines.RIDGE][0] < 2.75 < found[baselines.RIDGE][1]


def test_numbers_of_pairs_go_by_what_the_texts_share():
    """Against ridge regression on the overlap alone, which decides everything here."""
    random, words = np.random.default_rng(0), ["red", "blue", "green", "house", "paint", "door"]
    pairs = [tuple(" ".join(random.choice(words, 3)) for _ in range(2)) for _ in range(200)]
    shared = np.array([len(set(a.split()) & set(b.split())) for a, b in pairs], np.float32)
    found = baselines.predict_numbers(pairs[:150], shared[:150], pairs[150:], seed=1)
    assert list(found) == [baselines.MEAN, baselines.RIDGE_PAIR]
    left, mean = (
        np.square(found[name] - shared[150:]).mean()
        for name in (baselines.RIDGE_PAIR, baselines.MEAN)
    )
    assert left < 0.3 * mean
    alone = sparse.csr_array(shared[:, None])
    exact = Ridge().fit(alone[:150], shared[:150]).predict(alone[150:])
    assert np.corrcoef(found[baselines.RIDGE_PAIR], exact)[0, 1] > 0.85


def test_numbers_of_texts_without_words():
    found = baselines.predict_numbers(["!", "?"], np.array([0.0, 1.0]), ["!"], seed=1)
    assert {name: values.tolist() for name, values in found.items()} == {baselines.MEAN: [0.5]}
