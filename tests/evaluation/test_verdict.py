"""Who is ahead, in words, from reports whose paired tests are known."""

import numpy as np
import pytest

from pipeline.evaluation import paired, verdict

RANDOM = np.random.default_rng(0)
LINEAR = "TF-IDF + logistic regression"


def report(*baselines, task="classify", score="accuracy"):
    entries = [{"baseline": name, "against": against} for name, against in baselines]
    return {"model": "text_cnn", "task": task, "score": score, "baselines": entries}


def right(ours, theirs, both=60):
    """So many examples that only the model, or only the baseline, has right."""
    rows = np.arange(100)
    return paired.right(
        rows < both + ours, (rows < both) | ((rows >= both + ours) & (rows < both + ours + theirs))
    )


@pytest.mark.parametrize(
    ("against", "said", "words"),
    [
        (right(20, 5), "better", f"the text CNN is ahead of the baseline {LINEAR} by 15.0 points"),
        (right(5, 20), "worse", f"the baseline {LINEAR} is ahead of the text CNN by 15.0 points"),
        (
            right(5, 6),
            "no different",
            f"the text CNN is not clearly better or worse than the baseline {LINEAR}: behind by 1.0"
            " points of accuracy (-",
        ),
        (
            right(6, 5),
            "no different",
            f"the text CNN is not clearly better or worse than the baseline {LINEAR}: ahead by 1.0"
            " points of accuracy (-",
        ),
    ],
)
def test_the_strongest_baseline_decides(against, said, words):
    found = verdict.verdict(report(("majority", right(30, 0)), ("linear", against)))
    assert (found["baseline"], found["verdict"]) == ("linear", said)
    assert found["words"].startswith(words)
    page = verdict.on_a_page(report(("linear", against)))
    assert page.startswith(
        "<p>The text CNN is ahead" if said == "better" else '<p class="warn">The '
    )
    assert page.endswith(f"{words[1:]}{found['words'].removeprefix(words)}.</p>\n")
    low, high = sorted(abs(100 * found[end]) for end in ("low", "high"))
    if said != "no different":
        assert f"of accuracy ({low:.1f} to {high:.1f}), p 0.00" in found["words"]


def test_a_significant_lead_counts_before_a_larger_one_that_may_be_chance():
    small, large = right(0, 10), right(22, 34, both=20)
    assert (paired.verdict(small), paired.verdict(large)) == ("worse", "no different")
    found = verdict.verdict(report(("majority", large), ("linear", small)))
    assert (found["baseline"], found["verdict"]) == ("linear", "worse")


def test_numbers_and_perplexities_have_their_own_units():
    errors = np.abs(RANDOM.normal(size=50))
    found = verdict.verdict(
        report(("ridge", paired.errors(errors, errors + 0.5, 100, 0)), task="regress", score="rmse")
    )
    assert "by 0.500 of mean absolute error (no interval), p < 0.001" in found["words"]
    against = {"value": 812.34, "low": 800.0, "high": 823.4, "n": 9, "p": 0.002, "test": ""}
    found = verdict.verdict(report(("unigram", against), task="language_model", score="perplexity"))
    assert "word frequencies by 812.3 of perplexity (800.0 to 823.4), p 0.002" in found["words"]


def test_without_a_baseline_there_is_no_verdict(tmp_path):
    assert verdict.verdict(report()) is None
    assert verdict.of_run(tmp_path) is None
