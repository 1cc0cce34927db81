"""The sentences of a document -> the parts of it that examples are made of.

Devlin et al. 2019, section 3.1 and appendix A.2, as `create_pretraining_data.py` of
https://github.com/google-research/bert does it, with three differences. A short length is drawn for
an example, not for all of a document. Of the last sentence, where it is left alone, BERT can only
make a pair with another document's text, so that more than half of the pairs are such: here it
may follow the one before, too. And another document's text is about as long as what it takes the
place of, so that length does not tell where a text comes from.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

FOLLOWS, OTHER = 0, 1  # what the second text is, numbered as in BERT; swapped texts count as OTHER


class Part(NamedTuple):
    """An example's tokens [begin:end] of the document, and what follows them.

    `second` is None where there is one text only, or where it is to be another document's, with
    about `wanted` tokens.
    """

    first: tuple[int, int]
    second: tuple[int, int] | None = None
    label: int = FOLLOWS
    wanted: int = 0


Cut = Callable[[Sequence[int], int, float, np.random.Generator], Iterator[Part]]


def runs(
    edges: Sequence[int], most: int, short: float, random: np.random.Generator
) -> Iterator[Part]:
    """Runs of as many whole sentences as fit; every token once. Longer sentences are cut.

    Args: edges, where each sentence begins, and where the last one ends; most, tokens of an
        example; short, the share of examples with a random shorter length.
    """
    begin, last = 0, edges[-1]
    while begin < last:
        limit = begin + length(most, short, random)
        end = edges[bisect_right(edges, limit) - 1]
        end = end if end > begin else min(limit, last)
        yield Part((begin, end))
        begin = end


def next_pairs(
    edges: Sequence[int], most: int, short: float, random: np.random.Generator
) -> Iterator[Part]:
    """Pairs of which half are of texts that follow each other; `runs` has the arguments.

    A document of one sentence has none.
    """
    place, number = 0, len(edges) - 1
    while place < number and number > 1:
        begin, end = chunk(edges, place, length(most, short, random))
        follows = random.random() < 0.5
        # The last sentence alone is the second text, or the first before another document's.
        cut = int(random.integers(begin + 1, end)) if begin == place else place
        if follows:
            yield Part((edges[begin], edges[cut]), (edges[cut], edges[end]))
            place = end
        elif begin == place:
            wanted = edges[end] - edges[cut]
            yield Part((edges[begin], edges[cut]), None, OTHER, wanted)
            place = cut  # what another text stands for is shown later
        else:
            yield Part((edges[place], edges[end]), None, OTHER, edges[place] - edges[begin])
            place = end


def ordered_pairs(
    edges: Sequence[int], most: int, short: float, random: np.random.Generator
) -> Iterator[Part]:
    """Pairs of texts that follow each other, half of them swapped; `runs` has the arguments."""
    place, number = 0, len(edges) - 1
    while place < number and number > 1:
        begin, end = chunk(edges, place, length(most, short, random))
        cut = int(random.integers(begin + 1, end)) if begin == place else place
        first, second = (edges[begin], edges[cut]), (edges[cut], edges[end])
        if random.random() < 0.5:
            yield Part(first, second)
        else:
            yield Part(second, first, OTHER)
        place = end


CUTS: dict[str, Cut] = {"next": next_pairs, "order": ordered_pairs, "none": runs}


def length(most: int, short: float, random: np.random.Generator) -> int:
    return int(random.integers(2, most + 1)) if random.random() < short else most


def chunk(edges: Sequence[int], place: int, target: int) -> tuple[int, int]:
    """The sentences [begin:end] from `place` on which have `target` tokens together, two at least.

    Fewer tokens, if the document ends; of its last sentence alone the one before comes along.
    """
    last = len(edges) - 1
    end = min(last, bisect_left(edges, edges[place] + target))
    if end - place > 1:
        return place, end
    return (place, place + 2) if place + 2 <= last else (place - 1, last)


def kept(first: int, second: int, most: int, random: np.random.Generator) -> list[slice]:
    """What is left of two texts of so many tokens, `most` in all: each as a slice.

    The longer one loses tokens, each of them from its front or from its back.
    """
    sizes, half = (first, second), most // 2
    if first + second > most:
        if min(first, second) > half:  # from equal lengths on they lose by turns, the second first
            sizes = most - half, half
        else:
            sizes = (first, most - first) if first < second else (most - second, second)
    slices = []
    for size, whole in zip(sizes, (first, second), strict=True):
        front = int(random.binomial(whole - size, 0.5))
        slices.append(slice(front, front + size))
    return slices
