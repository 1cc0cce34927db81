"""What is said of the best answers: texts from the contexts, thresholds, and probabilities."""

import numpy as np
import pytest

from configs.tasks import Span
from pipeline.data import Sequences, Split
from pipeline.questions import Questions
from pipeline.span_answers import Answers
from pipeline.span_predictions import predicted

CONTEXT = "Ann is  from Rome."
PLACES = [(0, 3), (4, 6), (8, 12), (13, 17), (17, 18)]
ANSWERS = Answers(
    np.array([[3, 2], [0, -1], [-1, -1]]),
    np.array([[3, 3], [2, -1], [-1, -1]]),
    np.array([[4.0, 2.0], [1.0, -np.inf], [-np.inf, -np.inf]], np.float32),
    np.array([3.0, 1.5, 0.0], np.float32),
)


@pytest.fixture
def asked():
    """Three questions, the last one about a context without tokens."""
    offsets = np.array([0, 5, 10, 10])
    begins, ends = (Sequences(each, offsets) for each in np.array(PLACES * 2).T)
    split = Split({}, None, ["Where?"] * 3, {}, np.ones(3), [CONTEXT, CONTEXT, ""])
    return Questions(split, ["", "", ""], None, begins, ends, None)


def test_answers_are_cut_as_they_stand_there(asked):
    found = predicted(asked, ANSWERS, Span(kind="span"))
    assert found.best == found.given == ["Rome", "Ann is  from", ""]
    of_two = np.exp(4) / (np.exp(4) + np.exp(2))
    np.testing.assert_allclose(found.chances, [of_two, 1.0, 1.0])


@pytest.mark.parametrize(
    ("threshold", "given"),
    [(0.0, ["Rome", "", ""]), (0.6, ["Rome", "Ann is  from", ""]), (-1.5, ["", "", ""])],
)
def test_no_answer_is_given_above_the_threshold(threshold, given, asked):
    found = predicted(asked, ANSWERS, Span(kind="span", impossible=True, threshold=threshold))
    assert found.given == given
    assert found.best == ["Rome", "Ann is  from", ""]
    np.testing.assert_allclose(found.margins, [-1.0, 0.5, np.inf])
    weights = np.exp([4.0, 2.0, 3.0])
    first = weights[0] if given[0] else weights[2]
    np.testing.assert_allclose(found.chances[0], first / weights.sum(), rtol=1e-6)
