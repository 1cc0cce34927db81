"""Scores of tags against seqeval and scikit-learn, on all sentences once and on a resample."""

import warnings
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval import metrics as seqeval
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support
from sklearn import metrics

from pipeline.evaluation.tagging_scores import count, score_functions
from pipeline.text.schemes import spans

RANDOM = np.random.default_rng(0)
KINDS = ("person", "place", "work-of-art")
TAGS = {
    "bio": ["O", "O", *(f"{letter}-{kind}" for letter in "BI" for kind in KINDS)],
    "bioes": ["O", "O", *(f"{letter}-{kind}" for letter in "BIES" for kind in KINDS)],
    "plain": ["NOUN", "VERB", "ADJ", "X"],
}
SCHEMES = pytest.mark.parametrize("scheme", ["bio", "bioes"])


def sentences(scheme, number=30):
    """Tags of sentences of 0 to 11 words, and answers of which a half are right."""
    lengths = RANDOM.integers(12, size=number)
    gold, other = ([RANDOM.choice(TAGS[scheme], n).tolist() for n in lengths] for _ in range(2))
    predicted = [
        [str(a if RANDOM.random() < 0.5 else b) for a, b in zip(*pair, strict=True)]
        for pair in zip(gold, other, strict=True)
    ]
    return gold, predicted


def resamples(n):
    """All sentences once, and three resamples: counts, and the rows as often as they say."""
    counts = np.concatenate(
        [np.ones((1, n), int), RANDOM.multinomial(n, np.full(n, 1 / n), size=3)]
    )
    return counts.astype(float), [np.repeat(np.arange(n), each) for each in counts]


@SCHEMES
def test_scores_of_spans_are_seqevals(scheme):
    gold, predicted = sentences(scheme)
    weights, rows = resamples(len(gold))
    found = score_functions(scheme, gold, predicted)
    oracles = {
        "entity_f1": seqeval.f1_score,
        "precision": seqeval.precision_score,
        "recall": seqeval.recall_score,
        "accuracy": seqeval.accuracy_score,
    }
    assert list(found) == list(oracles)
    for name, oracle in oracles.items():
        expected = [oracle([gold[r] for r in some], [predicted[r] for r in some]) for some in rows]
        assert found[name](weights) == pytest.approx(expected), name
    assert 0 < found["entity_f1"](weights)[0] < 1


@SCHEMES
def test_scores_of_each_kind_are_seqevals(scheme):
    gold, predicted = sentences(scheme)
    weights, rows = resamples(len(gold))
    counts = count(map(spans, gold), map(spans, predicted))
    found = counts.by_kind()
    assert counts.names == sorted(KINDS)
    for place, name in enumerate(("precision", "recall", "f1")):
        expected = [
            precision_recall_fscore_support(
                [gold[r] for r in some], [predicted[r] for r in some], average=None
            )[place]
            for some in rows
        ]
        assert found[name](weights) == pytest.approx(np.array(expected))


pairs = st.lists(st.sampled_from(TAGS["bioes"])).flatmap(
    lambda gold: st.tuples(
        st.just(gold),
        st.lists(st.sampled_from(TAGS["bioes"]), min_size=len(gold), max_size=len(gold)),
    )
)


@given(st.lists(pairs, min_size=1, max_size=6))
def test_counts_add_up_to_seqevals(data):
    gold, predicted = (list(tags) for tags in zip(*data, strict=True))
    counts = count(map(spans, gold), map(spans, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of kinds that only one side has
        precision, recall, f1, support = precision_recall_fscore_support(gold, predicted)
    once = np.ones((1, len(gold)))
    found = counts.by_kind()
    assert counts.there.sum(axis=1).tolist() == support.tolist()
    assert found["precision"](once)[0] == pytest.approx(precision)
    assert found["recall"](once)[0] == pytest.approx(recall)
    assert found["f1"](once)[0] == pytest.approx(f1)


def test_scores_of_plain_tags_are_sklearns():
    gold, predicted = sentences("plain")
    weights, rows = resamples(len(gold))
    found = score_functions("plain", gold, predicted)
    flat = [
        [list(chain.from_iterable(tags[r] for r in some)) for tags in (gold, predicted)]
        for some in rows
    ]
    assert list(found) == ["accuracy", "macro_f1"]
    expected = [metrics.accuracy_score(*each) for each in flat]
    assert found["accuracy"](weights) == pytest.approx(expected)
    expected = [metrics.f1_score(*each, average="macro") for each in flat]
    assert found["macro_f1"](weights) == pytest.approx(expected)


def test_nothing_found_and_nothing_there_is_0():
    found = score_functions("bio", [["O"], []], [["O"], []])
    values = {name: score(np.ones((1, 2)))[0] for name, score in found.items()}
    assert values == {"entity_f1": 0, "precision": 0, "recall": 0, "accuracy": 1}
