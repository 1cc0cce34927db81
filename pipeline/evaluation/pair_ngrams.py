"""A pair of texts as numbers for a linear model: what only one of them says, and what both do."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

Pair = tuple[str, str]


class PairNgrams:
    """TF-IDF of pairs' n-grams, as a linear model wants them: features of a pair, not of a text.

    Side by side stand the n-grams that only the first text has, those that only the second has and
    those of both, weights multiplied; then the sum of the latter, and what share of each text's
    n-grams the other has too. Words and overlap are what the lexicalized classifier of Bowman et
    al. 2015 (https://arxiv.org/abs/1508.05326, section 3.2) has as well.
    """

    def __init__(self, vectorizer: TfidfVectorizer) -> None:
        self.vectorizer = vectorizer

    def fit_transform(self, pairs: Sequence[Pair]) -> sparse.csr_array:
        """Learn the n-grams of all texts; features as of `transform`.

        Raises:
            ValueError: no text has a word in it.
        """
        self.vectorizer.fit([text for pair in pairs for text in pair])
        return self.transform(pairs)

    def transform(self, pairs: Sequence[Pair]) -> sparse.csr_array:
        """(N, 3V + 3) for a vocabulary of V n-grams."""
        first, second = (
            sparse.csr_array(self.vectorizer.transform([pair[side] for pair in pairs]))
            for side in (0, 1)
        )
        both = first.multiply(second)
        alone = [text - text.multiply(both > 0) for text in (first, second)]
        overlap = [both.sum(axis=1), share(first, both), share(second, both)]
        numbers = sparse.csr_array(np.stack(overlap, axis=1))
        return sparse.csr_array(sparse.hstack([*alone, both, numbers]))


def share(text: sparse.csr_array, both: sparse.csr_array) -> np.ndarray:
    """(N,) share of each text's n-grams that both have, 0 where it has none."""
    return (both > 0).sum(axis=1) / np.maximum((text > 0).sum(axis=1), 1)
