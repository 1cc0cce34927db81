"""What there is to say of a tagger's answers to a split, as the JSON of the report."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

import numpy as np

from pipeline.evaluation import calibration, classes, intervals, paired
from pipeline.evaluation.baselines import COMMONEST_TAG
from pipeline.evaluation.findings import confusion_matrix, confusions
from pipeline.evaluation.intervals import Score
from pipeline.evaluation.tagging_scores import (
    Tags,
    accuracy,
    count,
    deciding,
    right_words,
    score_functions,
    words,
)
from pipeline.prepare.origins import Origins
from pipeline.text.schemes import Scheme, Span, spans

Part = tuple[str, str, np.ndarray]  # what a split is cut by, the part's name, its rows


@dataclass(frozen=True)
class Tagged:
    """N sentences: their words, with the tags that they have, that were answered, and how surely.

    `train_words` and `train_tags` are what the model learned from, empty where that is not there.
    """

    scheme: Scheme | Literal["plain"]
    words: Sequence[Sequence[str]]
    gold: Sequence[Tags]
    predicted: Sequence[Tags]
    confidences: Sequence[Sequence[float]]
    train_words: Sequence[Sequence[str]]
    train_tags: Sequence[Tags]
    resamples: int
    seed: int
    origins: Origins = field(default_factory=Origins)

    def __len__(self) -> int:
        return len(self.words)

    def estimate(self, functions: dict[str, Score], n: int | None = None) -> dict[str, Any]:
        return intervals.estimate(functions, n or len(self), self.resamples, self.seed)

    def things(self, tags: Tags) -> list[Span]:
        """What the tags say: spans, or each word's own tag."""
        return words(tags) if self.scheme == "plain" else spans(tags)


def findings(case: Tagged, parts: Iterable[Part], mistakes: int, baselines: bool) -> dict[str, Any]:
    """Every section of the report. Args: parts, see `slices.parts`; mistakes, how many."""
    found: dict[str, Any] = {
        "scheme": case.scheme,
        "counted": "words" if case.scheme == "plain" else "spans",
        "metrics": case.estimate(score_functions(case.scheme, case.gold, case.predicted)),
        "slices": slices(case, parts),
        "novelty": novelty(case) if case.train_words else [],
        "classes": kinds(case),
        "calibration": reliability(case),
        "mistakes": worst(case, mistakes),
    }
    if case.scheme == "plain":
        names, matrix = tag_matrix(case)
        found["confusions"] = confusions(matrix, names)
    if baselines and case.train_words:
        found["baselines"] = [against_baseline(case)]
    return found


def slices(case: Tagged, parts: Iterable[Part]) -> list[dict[str, Any]]:
    """The deciding score on each part of the split."""
    found = []
    for by, part, rows in parts:
        gold, predicted = ([tags[row] for row in rows] for tags in (case.gold, case.predicted))
        score = deciding(case.scheme, gold, predicted)
        measured = case.estimate({"score": score}, len(rows))["score"]
        found.append({"by": by, "part": part, **measured})
    return found


def novelty(case: Tagged) -> list[dict[str, Any]]:
    """How good it is at words that the training texts have, and at those that they have not.

    With a scheme also at spans: a span is new if one of its words is.
    """
    known = {word for sentence in case.train_words for word in sentence}
    new = [[word not in known for word in sentence] for sentence in case.words]
    right = right_words(case.gold, case.predicted)
    found = []
    for part, wanted in (("in the training texts", False), ("new", True)):
        chosen = [
            [each for each, is_new in zip(*sentence, strict=True) if is_new == wanted]
            for sentence in zip(right, new, strict=True)
        ]
        number = sum(map(len, chosen))
        if not number:
            continue
        entry = {"part": part, "words": number, **case.estimate({"accuracy": accuracy(chosen)})}
        if case.scheme != "plain":
            there, answered = (
                [
                    [s for s in spans(tags) if any(new[row][s.start : s.end]) == wanted]
                    for row, tags in enumerate(sentences)
                ]
                for sentences in (case.gold, case.predicted)
            )
            counts = count(there, answered)
            entry["spans"] = int(counts.there.sum())
            entry |= case.estimate({"entity_f1": counts.micro()["f1"]})
        found.append(entry)
    return found


def kinds(case: Tagged) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each kind of span, or of each plain tag."""
    counts = count(map(case.things, case.gold), map(case.things, case.predicted))
    found = case.estimate(counts.by_kind())
    there = counts.there.sum(axis=1)
    return [classes.entry(found, c, name, there[c]) for c, name in enumerate(counts.names)]


def tag_matrix(case: Tagged) -> tuple[list[str], np.ndarray]:
    """The tags, and how many words that have the row's were given the column's."""
    tags = [list(chain.from_iterable(sentences)) for sentences in (case.gold, case.predicted)]
    names, (labels, answers) = np.unique(tags, return_inverse=True)
    return names.tolist(), confusion_matrix(labels, answers, len(names))


def reliability(case: Tagged) -> list[dict[str, Any]]:
    """The bins of words by confidence, see `calibration.bins`."""
    right = right_words(case.gold, case.predicted)
    words = (np.array([*chain.from_iterable(each)]) for each in (case.confidences, right))
    return calibration.bins(*words)


def wrong(case: Tagged) -> np.ndarray:
    """(N,): how sure it was of the wrong tags, added up over a sentence's words."""
    right = right_words(case.gold, case.predicted)
    sentences = zip(right, case.confidences, strict=True)
    return np.array([sum(c for r, c in zip(*each, strict=True) if not r) for each in sentences])


def worst(case: Tagged, number: int) -> list[dict[str, Any]]:
    """The worst sentences: with a scheme all their spans, else the words with wrong tags."""
    how_wrong = wrong(case)
    order = np.argsort(-how_wrong, kind="stable")[:number]
    return [
        {
            **case.origins.of(row),
            "text": " ".join(case.words[row]),
            "label": in_words(case, row, case.gold[row]),
            "predicted": in_words(case, row, case.predicted[row]),
            "wrong": float(how_wrong[row]),
        }
        for row in order
        if how_wrong[row] > 0
    ]


def in_words(case: Tagged, row: int, tags: Tags) -> list[str]:
    """`New York: place`, of each span, or of each word whose tag was answered wrong."""
    said = case.things(tags)
    if case.scheme == "plain":
        said = [s for s in said if case.gold[row][s.start] != case.predicted[row][s.start]]
    return [f"{' '.join(case.words[row][s.start : s.end])}: {s.kind}" for s in said]


def against_baseline(case: Tagged) -> dict[str, Any]:
    """The baseline's scores on the same sentences, and the model's deciding score against its."""
    theirs = commonest_tags(case.train_words, case.train_tags, case.words)
    scored = score_functions(case.scheme, case.gold, theirs)
    shown = ("accuracy", "macro_f1") if case.scheme == "plain" else ("entity_f1", "accuracy")
    ours = deciding(case.scheme, case.gold, case.predicted)
    against = paired.resampled(
        ours, deciding(case.scheme, case.gold, theirs), len(case), case.resamples, case.seed
    )
    return {
        "baseline": COMMONEST_TAG,
        "metrics": case.estimate({name: scored[name] for name in shown}),
        "against": against,
    }


def commonest_tags(
    train_words: Sequence[Sequence[str]],
    train_tags: Sequence[Tags],
    words: Sequence[Sequence[str]],
) -> list[list[str]]:
    """The tag that each word has most often in training; of a new word, that all words have.

    Of equally common tags the first in the alphabet.
    """
    by_word: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sentence, tags in zip(train_words, train_tags, strict=True):
        for word, tag in zip(sentence, tags, strict=True):
            by_word[word][tag] += 1

    def commonest(counts: Counter[str]) -> str:
        return min(counts, key=lambda tag: (-counts[tag], tag))

    overall = commonest(sum(by_word.values(), Counter()))
    best = {word: commonest(counts) for word, counts in by_word.items()}
    return [[best.get(word, overall) for word in sentence] for sentence in words]
