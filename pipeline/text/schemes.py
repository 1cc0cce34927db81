"""How tags of words spell spans of words: IOB1, BIO (also called IOB2) and BIOES.

A tag is O, or a letter, a hyphen and the span's kind. B begins a span, I goes on with it, E ends
it, and S is a span of one word. In BIO every span begins with B; in IOB1 only one that follows
another of its kind, and the others with I. BIOES has other letters elsewhere, which are read too:
L and U in BILOU (spaCy's BILUO), M in BMES, W in BMEWO.

Sources: IOB1: Ramshaw and Marcus 1995, https://aclanthology.org/W95-0107; IOB2: Tjong Kim Sang and
Veenstra 1999, https://aclanthology.org/E99-1023; BIOES (as BILOU): Ratinov and Roth 2009,
https://aclanthology.org/W09-1119.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

Scheme = Literal["iob1", "bio", "bioes"]

OPENING, CLOSING = ("B", "I"), ("I", "E")  # of two neighbours in one span
OUTSIDE = "O"
BIOES_OF = {"L": "E", "U": "S", "M": "I", "W": "S"}
LETTERS = {"B", "I", "E", "S", *BIOES_OF}


class Span(NamedTuple):
    """The words [start:end] of a text."""

    kind: str
    start: int
    end: int


class Allowed(NamedTuple):
    """Which tag may follow which, from row to column, and which may stand first and last."""

    follow: np.ndarray  # (C, C) bool
    first: np.ndarray  # (C,) bool
    last: np.ndarray  # (C,) bool


def spans(tags: Sequence[str]) -> list[Span]:
    """The spans in tags of any scheme, well spelled or not, in the text's order.

    I or E goes on with a B or I of its kind before it, whatever else begins a span, as `conlleval`
    has it, and seqeval unless it is told to be strict.
    """
    found: list[Span] = []
    start, before, kind_before = 0, OUTSIDE, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        letter, kind = parts(tag)
        if not (letter in CLOSING and before in OPENING and kind == kind_before):
            if before != OUTSIDE:
                found.append(Span(kind_before, start, place))
            start = place
        before, kind_before = letter, kind
    return found


def spell(spans: Sequence[Span], length: int, scheme: Scheme) -> list[str]:
    """The tags of `length` words with these spans, which do not overlap, in the text's order."""
    tags, last = [OUTSIDE] * length, Span("", 0, -1)
    for span in spans:
        inside = span.end - span.start
        first = "B"
        if scheme == "iob1" and (last.end, last.kind) != (span.start, span.kind):
            first = "I"
        letters = [first, *"I" * (inside - 1)]
        if scheme == "bioes":
            letters[-1] = "S" if inside == 1 else "E"
        tags[span.start : span.end] = [f"{letter}-{span.kind}" for letter in letters]
        last = span
    return tags


def convert(tags: Sequence[str], scheme: Scheme) -> list[str]:
    """Tags of any scheme, spelled as another has it."""
    return spell(spans(tags), len(tags), scheme)


def spells_spans(tag: str) -> bool:
    """Whether any of the schemes has such a tag, as none has NN."""
    letter, hyphen, kind = tag.partition("-")
    return tag == OUTSIDE or (letter in LETTERS and bool(hyphen and kind))


def allowed(tags: Sequence[str], scheme: Scheme) -> Allowed:
    """What neighbours the scheme lets the tags have: all and only what `spell` makes."""
    split = [parts(tag) for tag in tags]
    follow = [[_may_follow(before, after, scheme) for after in split] for before in split]
    edge = (OUTSIDE, "")
    return Allowed(
        np.array(follow, bool),
        np.array([_may_follow(edge, tag, scheme) for tag in split], bool),
        np.array([_may_follow(tag, edge, scheme) for tag in split], bool),
    )


def _may_follow(before: tuple[str, str], after: tuple[str, str], scheme: Scheme) -> bool:
    goes_on = before[0] in OPENING and before[1] == after[1]
    match scheme:
        case "bio":
            return after[0] != "I" or goes_on
        case "iob1":
            return after[0] != "B" or goes_on
        case "bioes":
            return goes_on if after[0] in CLOSING else before[0] not in OPENING


def parts(tag: str) -> tuple[str, str]:
    """A tag's letter, as in BIOES, and its span's kind: `B-work-of-art` is a B of a work-of-art."""
    letter, _, kind = tag.partition("-")
    return BIOES_OF.get(letter, letter), kind
