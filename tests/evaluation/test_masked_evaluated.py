"""What is counted of a masked language model's answers, one example and one token at a time."""

from types import SimpleNamespace

import numpy as np
import pytest

from pipeline import masked_answers
from pipeline.data import Sequences, Split
from pipeline.evaluation import masked
from pipeline.masked_answers import Answers
from pipeline.pretraining import Asked

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat"]
TOKENIZER = SimpleNamespace(
    vocabulary=VOCABULARY, vocabulary_size=8, unknown_id=1, start_id=2, end_id=3, mask_id=4
)
OFFSETS = np.array([0, 4, 9])
ANSWERS = Answers(
    number=2,
    rows=np.array([0, 1, 1]),
    places=np.array([1, 1, 3]),
    shown=np.array([4, 6, 5]),
    targets=np.array([5, 6, 7]),
    tokens=np.array([5, 7, 7]),
    losses=np.array([0.5, 2.0, 1.0]),
    pair_losses=np.array([0.1, 0.9]),
    pairs_right=np.array([True, False]),
)


def split(ids, **static):
    asked = Asked(np.zeros(2, np.int32), np.zeros(2, np.int32), **static)
    return Split({"ids": Sequences(np.array(ids), OFFSETS)}, asked, [], {}, np.ones(2, np.float32))


def case(train=None):
    whole = split([2, 5, 6, 3, 2, 6, 5, 7, 3])
    return masked.Case(train or whole, whole, ANSWERS, TOKENIZER, resamples=200, seed=1)


def test_figures():
    found = masked.findings(case())
    values = {name: estimate["value"] for name, estimate in found["metrics"].items()}
    # [PAD], [CLS], [SEP] and [MASK] never stand under a mask; each other token counts once more.
    chances = {"[UNK]": 1 / 9, "the": 3 / 9, "cat": 3 / 9, "sat": 2 / 9}
    unigram = np.prod([chances["the"], chances["cat"], chances["sat"]]) ** (-1 / 3)
    assert values == pytest.approx(
        {
            "masked_loss": 3.5 / 3,
            "perplexity": np.exp(3.5 / 3),
            "accuracy": 2 / 3,
            "unigram_perplexity": unigram,
            "unigram_accuracy": 1 / 3,
            "unknown_words": 0.0,
            "pair_accuracy": 0.5,
            "pair_loss": 0.5,
        }
    )
    plain = masked_answers.scores(ANSWERS)
    assert {n: plain[n] for n in plain if n != "loss"} == {
        n: values[n] for n in plain if n in values
    }
    assert plain["loss"] == pytest.approx(3.5 / 3 + 0.5)
    assert masked_answers.scores(ANSWERS, 0.1)["loss"] == pytest.approx(3.5 / 3 + 0.05)
    assert found["fates"] == [
        {"shown": "[MASK]", "n": 1, "loss": 0.5, "accuracy": 1.0},
        {"shown": "another token", "n": 1, "loss": 1.0, "accuracy": 1.0},
        {"shown": "the token itself", "n": 1, "loss": 2.0, "accuracy": 0.0},
    ]
    assert found["examples"] == [
        "[CLS] [the: right] cat [SEP]",
        "[CLS] [cat: sat] the [sat: right] [SEP]",
    ]


def test_static_masks_are_no_words_and_what_they_hide_is():
    hidden = {"places": np.array([1, 1, 3]), "targets": np.array([5, 6, 7])}
    static = {name: Sequences(x, np.array([0, 1, 3])) for name, x in hidden.items()}
    train = split([2, 4, 6, 3, 2, 4, 5, 4, 3], **static)
    chances = masked.unigram_chances(case(train), train)
    assert chances == pytest.approx(np.array([0, 1, 0, 0, 0, 3, 3, 2]) / 9)


def test_the_table_has_a_row_for_each_example():
    table = masked.table(case())
    assert table["words"].tolist() == [1, 2]
    assert table["loss"].tolist() == [0.5, 3.0]
    assert table["right"].tolist() == [1, 1]
    assert table["pair_right"].tolist() == [True, False]
    assert table["example"].is_unique
