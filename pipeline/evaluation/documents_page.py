"""The report on a language model as one HTML page, from the JSON report and its pictures."""

from typing import Any

from pipeline import page
from pipeline.evaluation.intervals import LEVEL, spell

BODY = """
<p class="soft">Language model ({{ model }}) of run {{ run }}, measured on {{ n }} {{ split }}
documents of {{ words }} words, with {{ level }}% intervals over documents.</p>
{{ tiles | safe }}
<p>Perplexity is e to the mean loss of a word: how many words, all as likely, the model might as
well choose from. {{ how }} A model that knows only how frequent each word is has
{{ unigram }}. {{ unknown }} of the words are not among the {{ vocabulary }} of the vocabulary; they
count as one word, [UNK], so figures compare only between models of one vocabulary.</p>
{% if learning %}<h2>How it learned</h2>{{ learning | safe }}
{% if sampled %}<p class="soft">In training the loss is among a few sampled words and with dropout,
in validation among all words and without.</p>{% endif %}{% endif %}
<h2>Document by document</h2>
<p>The documents that it predicts best, then those that it predicts worst.</p>
{{ documents | safe }}
<h2>How this was measured</h2>
<p class="soft">Intervals: {{ resamples }} bootstrap resamples of documents. Each document is read
with all words in the softmax, {{ reading }}. Training took {{ seconds }} s for {{ parameters }}
parameters. Data {{ data }}.</p>
"""
BOTH = "It is the mean of both directions, that is the geometric mean of their perplexities."
READING = {
    "document": "from its beginning, with the state carried from window to window",
    "stream": "after the documents before it, with the state carried on",
}


def write(report: dict[str, Any], drawn: dict[str, Any]) -> str:
    """The whole page. Args: drawn, figures by name."""
    metrics = report["metrics"]
    rows = [[told(d["perplexity"]), d["words"], d["text"]] for d in report["documents"]]
    learning = drawn.get("learning")
    body = page.fill(
        BODY,
        **{key: report[key] for key in ("model", "run", "split", "data", "sampled")},
        n=page.spell(metrics["perplexity"]["n"]),
        words=page.spell(report["words"]),
        level=LEVEL,
        tiles=page.tiles({"perplexity": spell(metrics["perplexity"])}),
        how=BOTH if report["both"] else "",
        unigram=spell(metrics["unigram_perplexity"]),
        unknown=f"{100 * metrics['unknown_words']['value']:.1f}%",
        vocabulary=page.spell(report["vocabulary"]),
        learning=page.picture(learning, "loss and perplexity by epoch") if learning else "",
        documents=page.table(["perplexity", "words", "begins"], rows),
        resamples=page.spell(report["resamples"]),
        reading=READING[report["carry"]],
        seconds=f"{report['seconds']:.0f}",
        parameters=page.spell(report["parameters"]),
    )
    return page.page(report["name"], body)


def told(perplexity: float) -> float | int:
    """Four digits of small ones, whole numbers of large ones."""
    return perplexity if perplexity < 1000 else round(perplexity)
