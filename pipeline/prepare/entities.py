"""Entities by their places in a raw text, as annotation tools write them -> words and their tags.

The text is cut into words as the served model cuts it, and an entity is a span of the words that
it has part of, so that it gets the whole of a word that it cuts. Of entities that overlap the
longest stays, of equally long ones the first. Both are noted, and an entity without any word is.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from configs.data import Text
from pipeline.prepare.bad_records import Refused
from pipeline.prepare.label_values import Names, name
from pipeline.prepare.right_answers import covered
from pipeline.text.schemes import Scheme, Span, spell

# Names of doccano, Prodigy, spaCy and Label Studio, and those of our own predictions.
START, END = ("start", "start_offset", "begin"), ("end", "end_offset")
LABEL = ("label", "labels")

CUTS = "An entity begins or ends inside a word, and gets the whole of it"
OVERLAPS = "An entity overlaps a longer one, and is left out"
NO_WORD = "An entity has no word, and is left out"


class Entity(NamedTuple):
    """`start` and `end` in the text, in code points."""

    kind: str
    start: int
    end: int


class Tagged(NamedTuple):
    """A text's words with a tag each, and what had to be changed of its entities."""

    words: tuple[bytes, ...]
    tags: tuple[str, ...]
    notes: tuple[str, ...]


def is_entity(value: Any) -> bool:
    """Whether it is written as entities are: [start, end, kind], or a mapping with these."""
    if isinstance(value, dict):
        return any(key in value for key in END) and any(key in value for key in LABEL)
    return isinstance(value, list) and list(map(type, value[:3])) == [int, int, str]


def read_entity(value: Any, text: str, called: Names) -> Entity:
    """Check an entity of a text. Args: called, the names that kinds of the files have instead.

    Raises:
        Refused: it is none, or does not lie in the text.
    """
    if not is_entity(value):
        raise Refused("an entity is not start, end and label")
    if isinstance(value, list):
        start, end, kind = value[:3]
    else:
        start, end, kind = (_of(value, keys) for keys in (START, END, LABEL))
    if isinstance(kind, list) and len(kind) == 1:  # Label Studio's
        (kind,) = kind
    if not (type(start) is type(end) is int and 0 <= start < end <= len(text)):
        raise Refused("an entity lies outside of its text")
    if isinstance(value, dict) and value.get("text", text[start:end]) != text[start:end]:
        raise Refused("an entity does not stand where its start says")
    return Entity(name(kind, called), start, end)


def _of(value: dict[str, Any], keys: Sequence[str]) -> Any:
    return next((value[key] for key in keys if key in value), None)


def possible_tags(entities: Sequence[Entity]) -> tuple[str, ...]:
    """Tags that BIO may spell them with, before it is known how many words they have."""
    kinds = sorted({entity.kind for entity in entities})
    return ("O", *(f"{letter}-{kind}" for kind in kinds for letter in "BI"))


def tagged(
    texts: Sequence[bytes], entities: Sequence[Sequence[Entity]], text: Text, scheme: Scheme
) -> list[Tagged]:
    """Cut texts into words, and spell their entities as tags of these."""
    import tensorflow as tf

    cut = [part.numpy() for part in _cutter(text)(tf.constant(texts, tf.string))]
    made = []
    for begin, end, some in zip(cut[3][:-1], cut[3][1:], entities, strict=True):
        words, begins, ends = (part[begin:end] for part in cut[:3])
        spans, notes = _spans(some, begins, ends)
        tags = spell(spans, len(words), scheme)
        made.append(Tagged(tuple(words.tolist()), tuple(tags), tuple(notes)))
    return made


def _spans(
    entities: Sequence[Entity], begins: np.ndarray, ends: np.ndarray
) -> tuple[list[Span], list[str]]:
    """Spans of words in the text's order. Args: begins, ends, where the words stand."""
    found: list[Span] = []
    notes = []
    taken = np.zeros(len(begins), bool)
    longest_first = sorted(dict.fromkeys(entities), key=lambda one: (one.start - one.end, one[1:]))
    for entity in longest_first:
        place = covered(entity.start, entity.end, begins, ends)
        if not place:
            notes.append(NO_WORD)
            continue
        first, last = place
        if begins[first] < entity.start or entity.end < ends[last]:
            notes.append(CUTS)
        if taken[first : last + 1].any():
            notes.append(OVERLAPS)
            continue
        taken[first : last + 1] = True
        found.append(Span(entity.kind, first, last + 1))
    return sorted(found, key=lambda span: span.start), notes


@functools.lru_cache(maxsize=2)
def _cutter(text: Text) -> Callable[..., Any]:
    """(B,) string -> words, begins and ends of all texts end to end, and where each text's begin.

    Traced once a process.
    """
    import tensorflow as tf

    from pipeline.text.spans import spans

    def cut(texts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        words, begins, ends = spans(texts, text)
        return words.flat_values, begins.flat_values, ends.flat_values, words.row_splits

    return tf.function(cut, [tf.TensorSpec([None], tf.string)], autograph=False)
