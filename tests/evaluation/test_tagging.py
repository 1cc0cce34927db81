"""What a report says of a tagger, on sentences that can be counted by hand."""

import numpy as np
import pytest

from pipeline.evaluation import tagging
from pipeline.evaluation.tagging import Tagged, commonest_tags, findings

TRAIN = [
    ("Ann saw Paris", "B-person O B-place", "NOUN VERB NOUN"),
    ("Paris met Ann", "B-person O B-person", "NOUN VERB NOUN"),
    ("the Paris sights", "O B-place O", "DET NOUN NOUN"),
    ("old saw", "O O", "ADJ NOUN"),
    ("a saw", "O O", "DET NOUN"),
]
WORDS = ["Ann saw Rome", "Ann Lee met Paris", "the old saw"]
GOLD = {
    "bio": ["B-person O B-place", "B-person I-person O B-place", "O O O"],
    "plain": ["NOUN VERB NOUN", "NOUN NOUN VERB NOUN", "DET ADJ NOUN"],
}
PREDICTED = {
    "bio": ["B-person O B-person", "B-person O O B-place", "O O O"],
    "plain": ["NOUN VERB VERB", "NOUN ADJ VERB NOUN", "DET ADJ NOUN"],
}
SURE = [[0.9, 0.9, 0.6], [0.9, 0.7, 0.9, 0.9], [0.9, 0.9, 0.9]]


def case(scheme):
    train = [(words, tags) for words, *both in TRAIN for tags in [both[scheme == "plain"]]]
    return Tagged(
        scheme,
        *([row.split() for row in rows] for rows in (WORDS, GOLD[scheme], PREDICTED[scheme])),
        SURE,
        *([row.split() for row in rows] for rows in zip(*train, strict=True)),
        resamples=200,
        seed=1,
    )


PARTS = [("length", "3 tokens", np.array([0, 2])), ("length", "4 tokens", np.array([1]))]


@pytest.mark.parametrize("scheme", ["bio", "plain"])
def test_every_estimate_has_an_interval_around_it(scheme):
    found = findings(case(scheme), PARTS, mistakes=5, baselines=True)
    for estimate in found["metrics"].values():
        assert estimate["low"] <= estimate["value"] <= estimate["high"]
        assert estimate["n"] == 3
    assert [part["n"] for part in found["slices"]] == [2, 1]
    assert sum(b["n"] for b in found["calibration"]) == 10
    assert findings(case(scheme), PARTS, mistakes=5, baselines=True) == found
    assert "baselines" not in findings(case(scheme), PARTS, mistakes=0, baselines=False)


def test_spans():
    found = findings(case("bio"), PARTS, mistakes=5, baselines=True)
    # 2 of 4 spans are found: Ann and Paris, beside a wrong kind and a wrong end.
    values = {name: estimate["value"] for name, estimate in found["metrics"].items()}
    assert values["entity_f1"] == values["precision"] == values["recall"] == 0.5
    assert values["accuracy"] == 0.8
    assert [part["value"] for part in found["slices"]] == [0.5, 0.5]
    kinds = {entry["label"]: entry for entry in found["classes"]}
    assert (kinds["person"]["n"], kinds["place"]["n"]) == (2, 2)
    assert kinds["person"]["precision"] == pytest.approx(1 / 3)
    assert (kinds["place"]["precision"], kinds["place"]["recall"]) == (1.0, 0.5)
    assert "confusions" not in found


def test_mistakes_show_all_spans_the_surest_first():
    found = findings(case("bio"), PARTS, mistakes=5, baselines=False)["mistakes"]
    assert found == [
        {
            "text": "Ann Lee met Paris",
            "label": ["Ann Lee: person", "Paris: place"],
            "predicted": ["Ann: person", "Paris: place"],
            "wrong": pytest.approx(0.7),
        },
        {
            "text": "Ann saw Rome",
            "label": ["Ann: person", "Rome: place"],
            "predicted": ["Ann: person", "Rome: person"],
            "wrong": pytest.approx(0.6),
        },
    ]
    assert len(findings(case("bio"), PARTS, mistakes=1, baselines=False)["mistakes"]) == 1


def test_new_words_and_spans():
    """Rome and Lee are new."""
    old, new = findings(case("bio"), PARTS, mistakes=0, baselines=False)["novelty"]
    assert (old["words"], new["words"]) == (8, 2)
    assert (old["accuracy"]["value"], new["accuracy"]["value"]) == (1.0, 0.0)
    # Ann and Paris, with a second Ann that was invented, against Rome and Ann Lee.
    assert (old["spans"], new["spans"]) == (2, 2)
    assert old["entity_f1"]["value"] == pytest.approx(2 * 2 / (3 + 2))
    assert new["entity_f1"]["value"] == 0.0


def test_parts_of_speech():
    found = findings(case("plain"), PARTS, mistakes=5, baselines=True)
    assert {name: e["value"] for name, e in found["metrics"].items()} == {
        "accuracy": 0.8,
        "macro_f1": pytest.approx(np.mean([2 / 3, 1.0, 4 * 2 / (4 + 6), 2 * 2 / (3 + 2)])),
    }
    confused = [(c["label"], c["predicted"], c["n"], c["share"]) for c in found["confusions"]]
    assert confused == [("NOUN", "ADJ", 1, 1 / 6), ("NOUN", "VERB", 1, 1 / 6)]
    assert found["mistakes"][0]["label"] == ["Lee: NOUN"]
    assert found["mistakes"][0]["predicted"] == ["Lee: ADJ"]
    assert [set(entry) for entry in found["novelty"]] == [{"part", "words", "accuracy"}] * 2


def test_baseline_gives_each_word_its_commonest_tag():
    words, _, tags = zip(*((row[0].split(), 0, row[2].split()) for row in TRAIN), strict=True)
    # saw: NOUN twice, VERB once; a new word: NOUN, as most words.
    assert commonest_tags(words, tags, [["Ann", "saw", "Rome"], []]) == [["NOUN"] * 3, []]
    # As common as each other: the first in the alphabet.
    assert commonest_tags([["so", "so"]], [["INTJ", "ADV"]], [["so"]]) == [["ADV"]]


def test_the_baseline_is_tested_on_the_same_sentences():
    entry = tagging.against_baseline(case("bio"))
    # Ann: person, Paris: place, Rome and Lee: O.
    assert entry["metrics"]["entity_f1"]["value"] == pytest.approx(2 * 2 / (3 + 4))
    assert entry["against"]["value"] == pytest.approx(0.5 - 4 / 7)
    assert entry["against"]["test"] == "paired bootstrap"
