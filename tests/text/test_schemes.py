"""Spans of tags against seqeval's, and the schemes against what they spell."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval import scheme as seqeval_schemes
from seqeval.metrics.sequence_labeling import get_entities

from pipeline.text import schemes
from pipeline.text.schemes import Span

KINDS = ("person", "work-of-art")
THEIRS = {
    "iob1": seqeval_schemes.IOB1,
    "bio": seqeval_schemes.IOB2,
    "bioes": seqeval_schemes.IOBES,
}
SCHEMES = pytest.mark.parametrize("scheme", THEIRS)


def tags_of(letters):
    return ["O", *(f"{letter}-{kind}" for letter in letters for kind in KINDS)]


any_tags = st.lists(st.sampled_from(tags_of("BIES")), max_size=9)
some_spans = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(KINDS)), max_size=5
)


def laid_out(gaps):
    """Spans with gaps before them, and a length that holds them."""
    spans, place = [], 0
    for gap, length, kind in gaps:
        spans.append(Span(kind, place + gap, place + gap + length))
        place += gap + length
    return spans, place


def test_a_sentence_in_every_scheme():
    spans = [Span("person", 0, 2), Span("person", 2, 3), Span("place", 4, 7)]
    spelt = {
        "iob1": "I-person I-person B-person O I-place I-place I-place",
        "bio": "B-person I-person B-person O B-place I-place I-place",
        "bioes": "B-person E-person S-person O B-place I-place E-place",
    }
    for scheme, tags in spelt.items():
        assert schemes.spell(spans, 7, scheme) == tags.split()
        assert schemes.spans(tags.split()) == spans


@given(any_tags)
def test_spans_are_seqevals_entities(tags):
    theirs = [(kind, start, end + 1) for kind, start, end in get_entities(tags)]
    assert schemes.spans(tags) == theirs


@SCHEMES
@given(gaps=some_spans)
def test_what_is_spelt_is_read_again(scheme, gaps):
    spans, length = laid_out(gaps)
    tags = schemes.spell(spans, length + 1, scheme)
    assert schemes.spans(tags) == spans
    theirs = seqeval_schemes.Tokens(tags, THEIRS[scheme]).entities
    assert [(e.tag, e.start, e.end) for e in theirs] == spans
    for other in THEIRS:
        assert schemes.convert(tags, other) == schemes.spell(spans, length + 1, other)
    assert all(map(schemes.spells_spans, tags))


@SCHEMES
def test_allowed_is_what_is_spelt_and_nothing_else(scheme):
    """All sequences of four words: allowed by neighbours, or equal to their own conversion."""
    tags = tags_of("BIES" if scheme == "bioes" else "BI")
    may = schemes.allowed(tags, scheme)
    numbers = range(len(tags))
    for sequence in itertools.product(numbers, repeat=4):
        neighbours = all(may.follow[pair] for pair in itertools.pairwise(sequence))
        ends = may.first[sequence[0]] and may.last[sequence[-1]]
        words = [tags[i] for i in sequence]
        assert (neighbours and ends) == (schemes.convert(words, scheme) == words), words


@given(some_spans)
def test_the_letters_of_bilou_and_bmewo_are_read(gaps):
    spans, length = laid_out(gaps)
    bioes = schemes.spell(spans, length + 1, "bioes")
    bilou = [tag.replace("E-", "L-").replace("S-", "U-") for tag in bioes]
    theirs = seqeval_schemes.Tokens(bilou, seqeval_schemes.BILOU).entities
    assert [(e.tag, e.start, e.end) for e in theirs] == spans == schemes.spans(bilou)
    bmewo = [tag.replace("I-", "M-").replace("S-", "W-") for tag in bioes]
    assert schemes.convert(bmewo, "bioes") == schemes.convert(bilou, "bioes") == bioes
    assert all(map(schemes.spells_spans, [*bilou, *bmewo]))


def test_tags_that_spell_no_spans_are_known():
    assert all(map(schemes.spells_spans, ["O", "B-x", "I-x-y", "E-x", "S-x"]))
    assert not any(map(schemes.spells_spans, ["NN", "B", "-x", "b-x", "BI-x", "B-", "o", ""]))
