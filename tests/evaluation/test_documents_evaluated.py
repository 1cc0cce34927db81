"""What is said of a language model, against sums over the words by hand."""

import dataclasses
import math
from dataclasses import replace

import numpy as np
import pytest
from language_model_kinds import WORDS, documents

from pipeline.evaluation import documents as found
from pipeline.evaluation import documents_page, verdict

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


def test_perplexity_with_a_cache_stands_beside_the_plain_one(read):
    cached = dataclasses.replace(read, cached=read.losses * 0.5)
    metrics = found.findings(cached)["metrics"]
    expected = math.exp((4 * 0.5 + 12 * 1.0 + 2 * 1.5 + 8 * 0.25) / 26)
    assert metrics["cache_perplexity"]["value"] == pytest.approx(expected)
    assert metrics["perplexity"] == found.findings(read)["metrics"]["perplexity"]


def test_documents_from_the_best_to_the_worst(read):
    shown = found.findings(read)["documents"]
    assert [d["words"] for d in shown] == [8, 4, 12, 2]
    assert [d["perplexity"] for d in shown] == pytest.approx(np.exp([0.5, 1.0, 2.0, 3.0]))
    table = found.table(read)
    assert table["words"].tolist() == [4, 12, 2, 8]
    assert table["example"].nunique() == 4


@pytest.fixture
def report(read):
    return {
        "name": "small",
        "model": "elmo",
        "task": "language_model",
        "score": "perplexity",
        "run": "small-1234",
        "split": "test",
        "data": "abcd",
        "words": 26,
        "vocabulary": len(WORDS),
        "resamples": 200,
        "parameters": 1234,
        "seconds": 5.0,
        "tokenizer": "word",
        "both": True,
        "backward": False,
        "sampled": True,
        "carry": "document",
        **found.findings(read),
    }


def test_the_page_says_it_in_words(report):
    html = documents_page.write(report, {})
    assert "Language model (ELMo)" in html
    assert f"<p>The {verdict.verdict(report)['words'][4:]}.</p>" in html
    assert "on 4 test\ndocuments of 26 words" in html
    assert "3.8% of the words" in html
    assert "geometric mean" in html
    assert "Each document is read by itself" in html
    assert "How it learned" not in html
    assert "no test split" not in html


def test_the_page_of_one_direction(report):
    report |= {"model": "awd_lstm", "both": False, "sampled": False, "carry": "stream"}
    html = documents_page.write(report, {})
    assert "Language model (AWD-LSTM)" in html
    assert "Each word is predicted from those before it." in html
    assert "both directions" not in html
    assert "sampled" not in html
    assert "sentences&#39; ends are words" in html or "sentences' ends are words" in html
    html = documents_page.write(report | {"backward": True, "split": "valid"}, {})
    assert "predicted from those behind it" in html
    assert "There is no test split." in html


@pytest.mark.parametrize(
    ("tokenizer", "units"),
    [("wordpiece", "tokens"), ("sentencepiece", "tokens"), ("character", "characters")],
)
def test_the_page_counts_what_the_tokenizer_makes(report, tokenizer, units):
    html = documents_page.write(report | {"tokenizer": tokenizer}, {})
    assert f"documents of 26 {units}" in html
    assert "word is" not in html


def test_unknown_words_have_the_id_that_the_tokenizer_gives_them(read):
    """A ready vocabulary may have [UNK] elsewhere: here it is id 7."""
    sevens = int((read.split.ids.values == 7).sum())
    metrics = found.findings(replace(read, unknown_id=7))["metrics"]
    assert metrics["unknown_words"]["value"] == pytest.approx(sevens / 26)
