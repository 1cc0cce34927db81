"""The model's answers to the span questions of a split."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from configs.tasks import Span
from pipeline import span_answers
from pipeline.data import Sequences, Split
from pipeline.predictions import Forward, See
from pipeline.questions import Questions
from pipeline.span_answers import NONE, Answers


@dataclass(frozen=True)
class Predicted:
    """What a model answers to B questions.

    Attributes:
        best: the best answer to each, "" only where a context has no tokens.
        given: the same, or "" where none is the answer.
        margins: (B,) how much more none scores than the best answer.
        chances: (B,) the probability of what is given among the n best answers and, if questions
            may have none, no answer.
    """

    best: list[str]
    given: list[str]
    margins: np.ndarray
    chances: np.ndarray


def predict(forward: Forward, split: Split, task: Span, see: See | None = None) -> Predicted:
    """Args: see, is shown each batch and its outputs."""
    start, end = logits(forward, split, see)
    windows = split.asked.windows
    answers = span_answers.decode(start, end, windows, task.longest_answer, task.n_best)
    return predicted(split.asked, answers, task)


def predicted(asked: Questions, answers: Answers, task: Span) -> Predicted:
    tokens = zip(answers.firsts[:, 0].tolist(), answers.lasts[:, 0].tolist(), strict=True)
    best = [
        "" if first == NONE else asked.cut(row, first, last)
        for row, (first, last) in enumerate(tokens)
    ]
    silent = np.isinf(answers.margins) | (task.impossible & (answers.margins > task.threshold))
    given = ["" if none else text for text, none in zip(best, silent, strict=True)]
    scores, nothing = chances(answers, task)
    return Predicted(best, given, answers.margins, np.where(silent, nothing, scores[:, 0]))


def chances(answers: Answers, task: Span) -> tuple[np.ndarray, np.ndarray]:
    """(B, K) probabilities of the answers, and (B,) of there being none, which sum to 1.

    That there is none is certain where nothing can be an answer.
    """
    nothing = answers.no_answer if task.impossible else np.full_like(answers.no_answer, -np.inf)
    nothing = np.where(np.isinf(answers.margins), 0.0, nothing)
    found = softmax(np.column_stack([answers.scores, nothing]).astype(np.float64), axis=1)
    return found[:, :-1], found[:, -1]


def logits(forward: Forward, split: Split, see: See | None) -> tuple[Sequences, Sequences]:
    """Of the beginnings and of the ends of answers, in each window: float32, in its order."""
    found: list[list[np.ndarray]] = [[np.empty(0)] * len(split) for _ in range(2)]
    for rows, batch, outputs in forward.batches(split):
        if see is not None:
            see(outputs, batch)
        for many, name in zip(found, ("start_logits", "end_logits"), strict=True):
            for row, some in zip(rows, outputs[name].numpy(), strict=False):
                many[row] = some[: split.ids.lengths[row]]
    start, end = (Sequences(np.concatenate(many), split.ids.offsets) for many in found)
    return start, end
