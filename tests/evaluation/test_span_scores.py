"""Scores of span questions: against SQuAD's published ones, and by hand."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.span_scores import (
    best_threshold,
    exact,
    f1,
    normalised,
    right_answers,
    scores,
)

SQUAD = Path(os.environ.get("TEXTMILL_DATA", "../shared/data"), "squad")


def read(name):
    if not SQUAD.is_dir():
        pytest.skip(f"no real data in {SQUAD}: set TEXTMILL_DATA")
    with gzip.open(SQUAD / name) as file:
        return json.load(file)


@pytest.mark.parametrize(
    ("version", "predictions", "wanted"),
    [("1.1", "bert_ensemble", (86.21, 92.20)), ("2.0", "bert_single", (78.74, 81.78))],
)
def test_official_predictions_have_their_published_scores(version, predictions, wanted):
    questions = [
        question
        for article in read(f"dev-v{version}.json.gz")["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    predicted = read(f"predictions_{predictions}_v{version}.json.gz")
    answers = [predicted[question["id"]] for question in questions]
    golds = [[answer["text"] for answer in question["answers"]] for question in questions]
    found = scores(answers, golds, impossible=version == "2.0")
    assert tuple(round(100 * each.mean(), 2) for each in found) == wanted


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("The  Denver Broncos!", "denver broncos"),
        ("a.m. of an A-team", "am of ateam"),  # punctuation goes before articles do
        ("theatre", "theatre"),
        ("“the” 1,000\t€", "“ ” 1000 €"),  # only ASCII's punctuation goes
        ("an", ""),
    ],
)
def test_normalised(answer, wanted):
    assert normalised(answer) == wanted


def test_f1_counts_words_as_often_as_they_stand_there():
    # Of new new york and new york city two are shared: precision 2/3, recall 2/3.
    assert f1("new new york", ["New York City"]) == pytest.approx(2 / 3)
    assert f1("york", ["New York City", "York, England"]) == pytest.approx(2 / 3)
    assert f1("boston", ["New York City"]) == 0.0


def test_nothing_to_answer():
    assert right_answers([]) == [""]
    assert exact("", [""]) == f1("", [""]) == 1.0
    assert exact("Boston", [""]) == f1("Boston", [""]) == 0.0
    assert exact("", ["Boston"]) == f1("", ["Boston"]) == 0.0


def test_the_versions_differ_in_answers_without_words():
    assert right_answers(["The", "x"]) == ["x"]
    assert right_answers(["The"], impossible=False) == ["The"]
    assert [each.item() for each in scores(["a"], [["the"]], impossible=True)] == [1.0, 1.0]
    assert [each.item() for each in scores(["a"], [["the"]], impossible=False)] == [1.0, 0.0]


def by_trying(found, answered, answerable, no_answer):
    """The best mean score over all thresholds, each of them tried."""
    tried = []
    for threshold in [no_answer.min() - 1, *no_answer]:
        silent = no_answer > threshold
        tried.append(np.where(silent, ~answerable, found).mean())
    return max(tried)


def test_the_best_threshold_is_that_of_trying_all():
    random = np.random.default_rng(0)
    for _ in range(50):
        answerable, answered = random.random((2, 12)) < 0.6
        right = random.random(12).round(1)
        found = np.where(answered, np.where(answerable, right, 0.0), ~answerable).astype(float)
        no_answer = random.integers(5, size=12) * 1.0  # many ties
        best = best_threshold(found, answered, answerable, no_answer)
        assert best.score == pytest.approx(by_trying(found, answered, answerable, no_answer))
        silent = no_answer > best.threshold
        assert np.where(silent, ~answerable, found).mean() == pytest.approx(best.score)


def test_the_best_threshold_may_be_to_say_nothing():
    nothing = best_threshold(np.zeros(3), np.ones(3, bool), np.zeros(3, bool), np.arange(3.0))
    assert nothing.score == 1.0
    assert (np.arange(3.0) > nothing.threshold).all()
