"""How good tags are, as functions of how often each sentence counts (see `intervals` beside).

Everything comes from counts of each sentence, so that a resample of sentences is a product with
them. Sums over all sentences give what seqeval gives (https://github.com/chakki-works/seqeval).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from pipeline.evaluation import scores
from pipeline.evaluation.intervals import Score
from pipeline.text.schemes import Scheme, Span, spans

Tags = Sequence[str]


@dataclass(frozen=True)
class Counts:
    """How much of each kind the N sentences have: right, predicted, and in the labels.

    `hits`, `found`, `there`: (kinds, N), sparse; `names`, the kinds in the order of their rows.
    """

    names: list[str]
    hits: sparse.csr_array
    found: sparse.csr_array
    there: sparse.csr_array

    def by_kind(self) -> dict[str, Score]:
        """Precision, recall and F1 of each kind, (R, kinds)."""
        return scores.by_counts(self.hits, self.found, self.there)

    def micro(self) -> dict[str, Score]:
        """The same of all kinds together, (R,)."""
        hits, found, there = (each.sum(axis=0) for each in (self.hits, self.found, self.there))
        return {
            "precision": lambda w: scores.ratio(w @ hits, w @ found),
            "recall": lambda w: scores.ratio(w @ hits, w @ there),
            "f1": lambda w: scores.ratio(2 * (w @ hits), w @ found + w @ there),
        }


def count(there: Iterable[Iterable[Span]], found: Iterable[Iterable[Span]]) -> Counts:
    """Count the spans of each sentence: those in the labels, and those that were answered."""
    cells: list[list[tuple[str, int]]] = [[], [], []]  # of hits, found and there
    number = 0
    for row, (labels, answers) in enumerate(zip(map(set, there), map(set, found), strict=True)):
        for place, some in enumerate((labels & answers, answers, labels)):
            cells[place] += [(span.kind, row) for span in some]
        number = row + 1
    names = sorted({kind for kind, _ in cells[1] + cells[2]})
    index = {name: place for place, name in enumerate(names)}

    def matrix(cells: list[tuple[str, int]]) -> sparse.csr_array:
        places = [index[kind] for kind, _ in cells], [row for _, row in cells]
        return sparse.csr_array((np.ones(len(cells)), places), shape=(len(names), number))

    return Counts(names, *map(matrix, cells))


def words(tags: Tags) -> list[Span]:
    """Each word as a span of its own whose kind is its tag, as for parts of speech."""
    return [Span(tag, place, place + 1) for place, tag in enumerate(tags)]


def accuracy(right: Iterable[Sequence[bool]]) -> Score:
    """The share of words with the right tag. Args: right, of the words of each sentence."""
    sums = np.array([(sum(each), len(each)) for each in right], float)
    return lambda w: scores.ratio(w @ sums[:, 0], w @ sums[:, 1])


def right_words(gold: Iterable[Tags], predicted: Iterable[Tags]) -> list[list[bool]]:
    return [
        [label == answer for label, answer in zip(*tags, strict=True)]
        for tags in zip(gold, predicted, strict=True)
    ]


def deciding(
    scheme: Scheme | Literal["plain"], gold: Sequence[Tags], predicted: Sequence[Tags]
) -> Score:
    """The score that tells which tagger is better: F1 of spans, or the accuracy of plain tags."""
    if scheme == "plain":
        return accuracy(right_words(gold, predicted))
    return count(map(spans, gold), map(spans, predicted)).micro()["f1"]


def score_functions(
    scheme: Scheme | Literal["plain"], gold: Sequence[Tags], predicted: Sequence[Tags]
) -> dict[str, Score]:
    """The scores of N sentences' tags, the deciding one first.

    With a scheme: `entity_f1`, `precision` and `recall` of spans of all kinds, which count if both
    ends and the kind are right, and `accuracy` of words. Plain: `accuracy`, and `macro_f1` over the
    tags.
    """
    right = accuracy(right_words(gold, predicted))
    if scheme == "plain":
        by_tag = count(map(words, gold), map(words, predicted)).by_kind()
        return {"accuracy": right, "macro_f1": scores.macro(by_tag["f1"])}
    micro = count(map(spans, gold), map(spans, predicted)).micro()
    return {
        "entity_f1": micro["f1"],
        "precision": micro["precision"],
        "recall": micro["recall"],
        "accuracy": right,
    }
