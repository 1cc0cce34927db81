"""What the linear model is told of a pair, against sets of words."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from pipeline.evaluation import baselines
from pipeline.evaluation.pair_ngrams import PairNgrams

PAIRS = [
    ("the red house", "the blue house"),
    ("red house", "red"),
    ("red red", "red"),
    ("", "blue"),
    ("a b", ""),
]


def test_features_are_those_of_sets_of_words():
    made = PairNgrams(CountVectorizer(binary=True))
    features = made.fit_transform(PAIRS).toarray()
    names = made.vectorizer.get_feature_names_out()
    for pair, row in zip(PAIRS, features, strict=True):
        first, second = ({w for w in text.split() if w in names} for text in pair)
        parts = np.split(row[: 3 * len(names)], 3)
        said = [set(names[part > 0]) for part in parts]
        assert said == [first - second, second - first, first & second]
        both = len(first & second)
        shares = [both / max(len(text), 1) for text in (first, second)]
        assert row[3 * len(names) :] == pytest.approx([both, *shares])


def test_words_of_both_count_as_much_as_tfidf_says():
    vectorizer = TfidfVectorizer()
    features = PairNgrams(vectorizer).fit_transform(PAIRS).toarray()
    first, second = (vectorizer.transform([p[side] for p in PAIRS]).toarray() for side in (0, 1))
    number = first.shape[1]
    np.testing.assert_allclose(features[:, 2 * number : 3 * number], first * second)
    np.testing.assert_allclose(features[:, :number], np.where(second > 0, 0, first))
    np.testing.assert_allclose(features[:, 3 * number], (first * second).sum(axis=1))


def test_the_linear_baseline_learns_whether_two_texts_share_a_word():
    """From neither text alone can one tell."""
    random = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(12)])
    drawn = random.integers(12, size=(400, 2))
    drawn[::2, 1] = drawn[::2, 0]
    pairs = [(f"see {a}", f"see {b}") for a, b in words[drawn]]
    labels = (drawn[:, 0] == drawn[:, 1]).astype(int)
    found = baselines.predict(pairs[:300], labels[:300], pairs[300:], seed=1)
    assert list(found) == [baselines.MAJORITY, baselines.LINEAR_PAIR]
    assert (found[baselines.LINEAR_PAIR] == labels[300:]).mean() > 0.95


def test_pairs_without_words():
    found = baselines.predict([("!", "?"), ("", "")], np.array([0, 1]), [("a", "b")], seed=1)
    assert list(found) == [baselines.MAJORITY]
