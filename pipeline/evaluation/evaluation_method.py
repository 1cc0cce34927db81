"""How an evaluation came to its figures, in words, for its report."""

from typing import Any

from pipeline import page
from pipeline.evaluation import calibration
from pipeline.evaluation.baselines import OF_PAIRS
from pipeline.evaluation.intervals import LEVEL
from pipeline.evaluation.opening import cost

METHOD = """
<h2>How this was measured</h2>
<ul class="soft">
<li>Intervals: {{ level }}% percentile bootstrap over the {{ units }}, {{ resamples }}
resamples{% if share %}; of {{ share }}, which is a share of the {{ units }}, Wilson's, and of the
difference of two such shares Tango's{% endif %}. They say how much the figures would move with
other {{ units }} of the same kind, not with another training. Where all resamples are alike, as of
a perfect F1, there is none.</li>
{% if task == "classify" %}
<li>Macro F1: the mean of the classes' F1. Negative log-likelihood: mean of -ln(probability of the
label){{ " over the texts whose label the model knows" if unseen }}.</li>
<li>Calibration error (ECE): mean distance of confidence and accuracy over {{ bins }} bins of equal
width (Guo et al. 2017, section 2). Resampling adds noise to each bin, so its interval leans
high.</li>
{% elif task == "multilabel" %}
<li>Micro F1 counts all labels of all texts alike; macro F1 is the mean of the labels' F1. Negative
log-likelihood: cross-entropy summed over a text's labels
{{- ", those that the model knows" if unseen }}.</li>
{% elif task == "tag" and counted == "words" %}
<li>Accuracy is the share of words with the right tag; macro F1 is the mean of the tags' F1. A word
is new if the training texts have it nowhere, spelled as it is.</li>
{% elif task == "tag" %}
<li>A span is right if its first word, its last word and its kind are, as seqeval and conlleval
count it. Accuracy is the share of words with the right tag. A word is new if the training texts
have it nowhere, spelled as it is, and a span if one of its words is.</li>
{% elif task == "span" %}
<li>As SQuAD's official scripts have it: answers are compared in lower case, without punctuation and
articles; exact match is the share of answers that are one of the right ones, F1 that of the words
shared with the nearest right one. A question without an answer has both if none is given.</li>
{% endif %}
{% if test %}
<li>Baselines learned from the same training split. Comparison on the same {{ units }}:
{{ test }}.</li>
{% endif %}
{% if pairs %}
<li>The linear baseline knows of a pair which words and word pairs only the first text has, only the
second and both, weighted by TF-IDF, and what share of either text's the other has too.</li>
{% endif %}
<li>{{ cost }} Data {{ data }}.</li>
</ul>
"""

SHARES = {
    "classify": "the accuracy",
    "multilabel": "texts with all labels right",
    "span": "exact match",
}


def write(report: dict[str, Any]) -> str:
    """The section that says so."""
    baselines = report.get("baselines")
    return page.fill(
        METHOD,
        units=units(report),
        share=SHARES.get(report["task"]),
        pairs=any(entry["baseline"] in OF_PAIRS for entry in baselines or []),
        level=LEVEL,
        bins=calibration.BINS,
        resamples=page.spell(report["resamples"]),
        task=report["task"],
        counted=report.get("counted"),
        unseen=report.get("unseen"),
        test=baselines[0]["against"]["test"] if baselines else None,
        cost=cost(report),
        data=report["data"],
    )


def units(report: dict[str, Any]) -> str:
    """What the intervals are over."""
    if report["task"] == "language_model":
        return "documents"
    if report["task"] == "masked_language_model":
        return "examples"
    if report["task"] == "span":
        return "questions"
    return "pairs" if report.get("counted") == "pairs" else "texts"
