"""How a file's tags spell spans, or why they seem to spell none."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from pipeline.text import schemes

Scheme = Literal["plain", "iob1", "bio", "bioes"]
# B_PER, PER-B, or a letter alone.
_BEFORE = re.compile(r"([BIESLUMW])(?:[_:/.](.+))?")
_AFTER = re.compile(r"(.+)[-_:/.]([BIESLUMW])")
ONLY_KIND = "span"  # of tags that are letters alone


class Spelling(NamedTuple):
    """Settings of a task, and why; `doubt` if they may well be wrong."""

    scheme: Scheme
    label_names: dict[str, str | None] | None
    why: str
    doubt: str = ""


def spelling(sentences: Iterable[list[Any]]) -> Spelling:
    """Args: sentences, the tags of each."""
    rows = [[str(tag).strip() for tag in tags] for tags in sentences]
    names = {tag for tags in rows for tag in tags} - {schemes.OUTSIDE}
    spell = set(filter(schemes.spells_spans, names))
    if 2 * len(spell) > len(names):
        others = ", ".join(sorted(names - spell))
        doubt = f"tags that spell no spans, whose sentences are refused: {others}" if others else ""
        scheme, why = _scheme(rows, spell)
        return Spelling(scheme, None, why, doubt)
    if any(schemes.OUTSIDE in tags for tags in rows) and (called := _respelled(names)):
        rows = [[called.get(tag, tag) for tag in tags] for tags in rows]
        scheme, why = _scheme(rows, set(called.values()))
        return Spelling(scheme, dict(called), f"{why}, once they are called so")
    if names and all(name.isdecimal() for name in names):
        doubt = (
            "tags are numbers: if these are ids of tags such as B-PER, name them, from 0 on, with"
            " label_names: [O, B-PER, I-PER, ...], and set scheme: bio"
        )
        return Spelling("plain", None, f"{len(names):,} different tags", doubt)
    return Spelling("plain", None, f"{len(names):,} different tags")


def _scheme(rows: list[list[str]], names: set[str]) -> tuple[Scheme, str]:
    letters = {name[0] for name in names}
    if letters & schemes.BIOES_OF.keys():
        return "bioes", "read as BIOES, which has E for L, S for U and W, and I for M"
    if letters & {"E", "S"}:
        return "bioes", "tags for the end of a span, or for one of a single word"
    # In IOB1 a span begins with B- only right after another one of its kind.
    begins = Counter(
        tag[:2]
        for tags in rows
        for before, tag in pairwise([schemes.OUTSIDE, *tags])
        if tag in names and before[2:] != tag[2:]
    )
    if begins["I-"] > begins["B-"]:
        return "iob1", "most spans begin with I-"
    return "bio", "spans begin with B-"


def _respelled(names: set[str]) -> dict[str, str]:
    """What tags with a letter elsewhere than in B-PER are called; {} if one of them has none."""
    found = {}
    for name in sorted(names):
        if before := _BEFORE.fullmatch(name):
            found[name] = f"{before[1]}-{before[2] or ONLY_KIND}"
        elif after := _AFTER.fullmatch(name):
            found[name] = f"{after[2]}-{after[1]}"
    return found if found.keys() == names else {}
