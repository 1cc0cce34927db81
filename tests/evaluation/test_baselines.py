"""The baselines learn what they can, and no more."""

import numpy as np
import pytest

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
