"""What is said of a language model, against sums over the words by hand."""

import math

import numpy as np
import pytest
from language_model_kinds import WORDS, documents

from pipeline.evaluation import documents as found
from pipeline.evaluation import documents_page

LENGTHS = (3, 11, 1, 7)


@pytest.fixture
def read():
    split, train = documents(*LENGTHS, seed=1), documents(40, 25, seed=2)
    split.ids.values[2] = 1  # an unknown word
    words = np.array(LENGTHS) + 1
    losses = words * np.array([1.0, 2.0, 3.0, 0.5])
    return found.Read(train, split, losses, words, len(WORDS), resamples=200, seed=1)


def test_perplexity_is_of_all_words_together(read):
    metrics = found.findings(read)["metrics"]
    expected = math.exp((4 * 1.0 + 12 * 2.0 + 2 * 3.0 + 8 * 0.5) / 26)
    assert metrics["perplexity"]["value"] == pytest.approx(expected)
    assert metrics["perplexity"]["n"] == 4
    assert metrics["perplexity"]["low"] < expected < metrics["perplexity"]["high"]
    assert metrics["unknown_words"]["value"] == pytest.approx(1 / 26)


def test_word_frequencies_alone(read):
    """Add-one counts over all that may be predicted: every id but padding's and the beginning's."""
    counts = [(read.train.ids.values == token).sum() + 1 for token in range(len(WORDS))]
    counts[0] = counts[2] = 0
    loss = 0.0
    for row in range(len(LENGTHS)):
        for token in read.split.ids[row][1:]:
            loss -= math.log(counts[token] / sum(counts))
    metrics = found.findings(read)["metrics"]
    assert metrics["unigram_perplexity"]["value"] == pytest.approx(math.exp(loss / 26))


def test_documents_from_the_best_to_the_worst(read):
    shown = found.findings(read)["documents"]
    assert [d["words"] for d in shown] == [8, 4, 12, 2]
    assert [d["perplexity"] for d in shown] == pytest.approx(np.exp([0.5, 1.0, 2.0, 3.0]))
    table = found.table(read)
    assert table["words"].tolist() == [4, 12, 2, 8]
    assert table["example"].nunique() == 4


def test_the_page_says_it_in_words(read):
    report = {
        "name": "small",
        "model": "elmo",
        "run": "small-1234",
        "split": "test",
        "data": "abcd",
        "words": 26,
        "vocabulary": len(WORDS),
        "resamples": 200,
        "parameters": 1234,
        "seconds": 5.0,
        "both": True,
        "sampled": True,
        "carry": "document",
        **found.findings(read),
    }
    html = documents_page.write(report, {})
    assert "on 4 test\ndocuments of 26 words" in html
    assert "3.8% of the words" in html
    assert "geometric mean" in html
    assert "How it learned" not in html
