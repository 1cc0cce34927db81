"""From the logits of a question's windows to its best answers, in NumPy.

`pipeline.text.answer_ops` does the same in TensorFlow ops.
Source: google-research/bert, run_squad.py, which looks at the best beginnings and the best ends of
each window only; here all pairs are looked at.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipeline.data import Sequences
from pipeline.text.windows import Windows

NONE = -1  # in the place of a token that is not there


class Answers(NamedTuple):
    """The K best answers to each of B questions, best first; `firsts` is NONE where there are less.

    Attributes:
        firsts, lasts: (B, K) int64, an answer's first and last token among those of the context.
        scores: (B, K) float32, the sum of the logits of both; -inf where there is none.
        no_answer: (B,) float32, what a question's having none scores.
    """

    firsts: np.ndarray
    lasts: np.ndarray
    scores: np.ndarray
    no_answer: np.ndarray

    @property
    def margins(self) -> np.ndarray:
        """(B,) how much more there being no answer scores than the best one."""
        return self.no_answer - self.scores[:, 0]


def decode(
    start: Sequences, end: Sequences, windows: Windows, longest: int, number: int
) -> Answers:
    """The best answers, `number` of each question.

    An answer begins where a window is its first token's home, ends in the same window, and has
    `longest` tokens at most. Of equals the one in the earlier window is first, then the one that
    begins earlier, then the shorter one. No answer scores the sum of both logits of [CLS], in the
    window where that is lowest: in one that does not hold the answer it is high.

    Args: start, end, the logits of N windows; windows, with arrays in the place of tensors.
    """
    offsets = np.append(0, np.cumsum(np.bincount(windows.rows)))
    rows = [
        _question(range(a, b), start, end, windows, longest, number)
        for a, b in pairwise(offsets.tolist())
    ]
    firsts, lasts, scores, no_answer = zip(*rows, strict=True)
    return Answers(np.stack(firsts), np.stack(lasts), np.stack(scores), np.stack(no_answer))


def _question(
    own: range, start: Sequences, end: Sequences, windows: Windows, longest: int, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.float32]:
    tried = [_window(n, start[n], end[n], windows, longest, number) for n in own]
    first, last, score = (np.concatenate(parts) for parts in zip(*tried, strict=True))
    order = _best(score, number)
    order = order[np.isfinite(score[order])]
    places, scores = np.full((2, number), NONE), np.full(number, -np.inf, np.float32)
    places[:, : len(order)], scores[: len(order)] = (first[order], last[order]), score[order]
    return *places, scores, min(start[n][0] + end[n][0] for n in own)


def _window(
    n: int, start: np.ndarray, end: np.ndarray, windows: Windows, longest: int, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First tokens, last tokens and scores of its best answers."""
    places = windows.leads, windows.begins, windows.ends, windows.own_begins, windows.own_ends
    lead, begin, stop, home, away = (int(each[n]) for each in places)
    ends = np.append(end[lead : lead + stop - begin], np.full(longest, -np.inf, np.float32))
    # (tokens, longest): the logits of the ends of all answers that begin with a token
    grid = np.lib.stride_tricks.sliding_window_view(ends, longest)[home - begin : away - begin]
    scores = (grid + start[lead + home - begin : lead + away - begin, None]).ravel()
    kept = _best(scores, number)
    first = home + kept // longest
    return first, first + kept % longest, scores[kept]


def _best(scores: np.ndarray, number: int) -> np.ndarray:
    """Where the highest are, highest first, the first of equals first."""
    kept = np.arange(len(scores))
    if len(scores) > number:  # a sort of few is faster than one of all
        kept = np.flatnonzero(scores >= np.partition(scores, -number)[-number])
    return kept[np.argsort(-scores[kept], kind="stable")[:number]]
