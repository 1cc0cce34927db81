"""How good answers to span questions are: exact match and F1, as SQuAD's own scripts have them.

Sources: evaluate-v1.1.py of Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250, section 6.1,
and evaluate-v2.0.py of Rajpurkar et al. 2018, https://arxiv.org/abs/1806.03822.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Best(NamedTuple):
    """A score, and the threshold that reaches it: above it, a question is said to have no answer.

    `score` is a mean over all questions.
    """

    score: float
    threshold: float


def normalised(answer: str) -> str:
    """In lower case, without punctuation and articles, with single spaces."""
    plain = answer.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def exact(answer: str, golds: Sequence[str]) -> float:
    """1 if the answer is one of the right ones, else 0. Args: golds, see `right_answers`."""
    return float(normalised(answer) in map(normalised, golds))


def f1(answer: str, golds: Sequence[str], impossible: bool = True) -> float:
    """The best F1 of the answer's words against those of one of the right answers.

    Args: impossible, whether there are questions without an answer. Then two answers of no words
        at all agree, as in version 2.0 of the script; in version 1.1 they have nothing in common.
    """
    words = Counter(normalised(answer).split())
    return max(_f1(words, Counter(normalised(gold).split()), impossible) for gold in golds)


def _f1(words: Counter[str], gold: Counter[str], impossible: bool) -> float:
    if impossible and not (words and gold):
        return float(words == gold)
    same = (words & gold).total()
    return 2 * same / (words.total() + gold.total()) if same else 0.0


def right_answers(golds: Sequence[str], impossible: bool = True) -> list[str]:
    """What an answer is compared with.

    A question without an answer wants the empty one; with `impossible` an answer of nothing but
    punctuation and articles is none.
    """
    if impossible:
        golds = [gold for gold in golds if normalised(gold)]
    return list(golds) or [""]


def scores(
    answers: Sequence[str], golds: Sequence[Sequence[str]], impossible: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) exact match and (N,) F1 of N questions' answers, "" for none.

    Args: golds, the right answers to each question, none if it has no answer; impossible, whether
        there are such questions: version 2.0 of the script, not 1.1.
    """
    wanted = [right_answers(some, impossible) for some in golds]
    pairs = list(zip(answers, wanted, strict=True))
    return (
        np.array([exact(answer, some) for answer, some in pairs]),
        np.array([f1(answer, some, impossible) for answer, some in pairs]),
    )


def best_threshold(
    found: np.ndarray, answered: np.ndarray, answerable: np.ndarray, no_answer: np.ndarray
) -> Best:
    """The score at the best threshold for saying that there is no answer.

    As in version 2.0 of the script, the threshold is chosen on the questions that are scored, so
    the score is what a well-chosen one could reach. Where several questions have the same
    `no_answer` no threshold parts them, though the script does, in the order of its files.

    Args:
        found: (N,) scores of the answers as they are.
        answered: (N,) bool, whether an answer was given.
        answerable: (N,) bool, whether there is one.
        no_answer: (N,) how much speaks for there being none, on any scale.
    """
    order = np.argsort(no_answer, kind="stable")
    values = no_answer[order]
    # To answer a question as well brings its score, and loses the point for having said nothing.
    gain = np.where(answerable, found, -1.0 * answered)[order]
    sums = (~answerable).sum() + np.cumsum(gain)
    reached = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    best = reached[np.argmax(sums[reached])]
    nothing = float((~answerable).sum())
    if sums[best] <= nothing:
        return Best(nothing / len(found), min(0.0, float(values[0]) - 1.0))
    return Best(float(sums[best]) / len(found), float(values[best]))
