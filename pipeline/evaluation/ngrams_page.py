"""The part of a report about the n-grams that a text CNN decides by."""

from typing import Any

from pipeline import page
from pipeline.evaluation.strongest import MOST_TOKENS

NOTES = {
    "classify": "that did most for the prediction against the label, with their parts in the"
    " difference of the logits",
    "multilabel": "that did most for the label that is most wrong, or against it, with their parts"
    " in its logit",
    "regress": "that did most to move the number away from the label, with their parts in it",
}
HEADERS = {
    "classify": ["class", "n-grams that speak for it, with their parts in its logit"],
    "multilabel": ["label", "n-grams that speak for it, with their parts in its logit"],
    "regress": ["number", "n-grams that move it there, with their parts in it"],
}


def note(report: dict[str, Any]) -> str:
    """What the n-grams beside a mistake are."""
    return f'<p class="soft">Decided by: the n-grams {NOTES[report["task"]]}.</p>'


def write(report: dict[str, Any]) -> str:
    """What its filters look for in the training texts."""
    if "class_ngrams" not in report:
        return ""
    classes = page.table(
        HEADERS[report["task"]],
        [
            [page.breakable(entry["label"]), told(entry["ngrams"], "+")]
            for entry in report["class_ngrams"]
        ],
    )
    filters = page.table(
        ["width", "filter", "speaks for (weight)", "excited most by (response)"],
        [
            [
                entry["width"],
                entry["filter"],
                page.breakable(told(entry["speaks_for"], "+")),
                told(entry["ngrams"]),
            ]
            for entry in report["filters"]
        ],
    )
    folded = f"<details><summary>All classes</summary>{classes}</details>"
    return (
        "<h2>What it looks for</h2>\n"
        f'<p class="soft">The n-grams of the training texts (a sample of at most {MOST_TOKENS:,}'
        " tokens) that excite its filters most, for the filters with the largest weights.</p>"
        + filters
        + (classes if len(report["class_ngrams"]) <= 10 else folded)
    )


def told(pairs: list[list[Any]], sign: str = "") -> str:
    """`lost card 2.1 · my card 0.9`: words may hold any other mark."""
    return " \N{MIDDLE DOT} ".join(f"{words} {number:{sign}.1f}" for words, number in pairs)
