"""The report on a language model as one HTML page, from the JSON report and its pictures."""

from typing import Any

from pipeline import page
from pipeline.evaluation import verdict
from pipeline.evaluation.intervals import LEVEL, spell
from pipeline.evaluation.opening import MODELS, caution, cost
from pipeline.prepare import origins

BODY = """
<p class="soft">Language model ({{ model }}) of run {{ run }}, measured on {{ n }} {{ split }}
documents of {{ words }} {{ units }}, with {{ level }}% intervals over documents.</p>
{{ verdict | safe }}
{{ caution | safe }}
{{ tiles | safe }}
<p>Perplexity is e to the mean loss of a {{ unit }}: how many {{ units }}, all as likely, the model
might as well choose from. {{ how }} {% if unigram %}A model that knows only how frequent each
{{ unit }} is has {{ unigram }}.{% endif %} {{ cached }}</p>
<p>The end of a document counts as one more of its {{ units }}. {{ unknown }} of the {{ units }} are
not among the {{ vocabulary }} of the vocabulary; they count as one, [UNK], which is to be predicted
like any other, so figures compare only between models of one vocabulary.</p>
{% if learning %}<h2>How it learned</h2>{{ learning | safe }}
<p class="soft">In training the loss is with dropout{% if sampled %} and among a few sampled
{{ units }}{% endif %}, in validation without{% if sampled %} and among all of them{% endif %}.</p>
{% endif %}
<h2>Document by document</h2>
<p>The documents that it predicts best, then those that it predicts worst. All of them stand in
predictions.parquet.</p>
{{ documents | safe }}
<h2>How this was measured</h2>
<p class="soft">Intervals: {{ resamples }} bootstrap resamples of documents. {{ reading }} The
probabilities are those among all {{ units }}, whatever the softmax is in training. {{ cost }}
Data {{ data }}.</p>
"""
UNITS = {"word": "word", "character": "character"}  # of tokenizers; those of others make tokens
HOW = {
    "both": "It is the mean of both directions, that is the geometric mean of their perplexities.",
    "forward": "Each {unit} is predicted from those before it.",
    "backward": "Texts are read from their end: each {unit} is predicted from those behind it.",
}
CACHED = "With a cache of {size} {units}, theta {theta} and weight {weight}, it has {found}."
READING = {
    "document": "Each document is read by itself, with the state carried from window to window.",
    "stream": "All documents are read one after the other in the order of the files, each going on"
    " from the state that the one before ended with, as one text whose sentences' ends are words:"
    " that is how perplexities of the Penn Treebank are counted. Intervals take them for"
    " independent all the same.",
}
WINDOWS = {
    "document": "Each document is read by itself",
    "stream": "All documents are read as one text in the order of the files",
}
WINDOWED = (
    "{whole}, in windows of {context} {units}, each {stride} behind the one before: what the second"
    " window and later ones predict has {known} {units} before it at least."
)


def write(report: dict[str, Any], drawn: dict[str, Any]) -> str:
    """The whole page. Args: drawn, figures by name."""
    metrics, unit = report["metrics"], UNITS.get(report["tokenizer"], "token")
    units = f"{unit}s"
    direction = "both" if report["both"] else "backward" if report["backward"] else "forward"
    cached = ""
    if cache := report.get("cache"):
        cached = CACHED.format(**cache, units=units, found=spell(metrics["cache_perplexity"]))
    body = page.fill(
        BODY,
        **{key: report[key] for key in ("run", "split", "data", "sampled")},
        model=MODELS[report["model"]],
        verdict=verdict.on_a_page(report),
        caution=caution(report),
        unit=unit,
        units=units,
        n=page.spell(metrics["perplexity"]["n"]),
        words=page.spell(report["words"]),
        level=LEVEL,
        tiles=page.tiles({"perplexity": spell(metrics["perplexity"])}),
        how=HOW[direction].format(unit=unit),
        unigram="unigram_perplexity" in metrics and spell(metrics["unigram_perplexity"]),
        cached=cached,
        unknown=f"{100 * metrics['unknown_words']['value']:.1f}%",
        vocabulary=page.spell(report["vocabulary"]),
        learning="".join(page.picture(drawn[name], name) for name in drawn),
        documents=documents(report["documents"], units),
        resamples=page.spell(report["resamples"]),
        reading=reading(report, units),
        cost=cost(report),
    )
    return page.page(report["name"], body)


def documents(entries: list[dict[str, Any]], units: str) -> str:
    columns: dict[str, list[Any]] = {
        "perplexity": [told(entry["perplexity"]) for entry in entries],
        units: [entry["words"] for entry in entries],
    }
    if places := origins.in_words(entries):
        columns["where"] = places
    columns["begins"] = [entry["text"] for entry in entries]
    return page.table(list(columns), zip(*columns.values(), strict=True))


def reading(report: dict[str, Any], units: str) -> str:
    context, stride = report.get("context"), report.get("stride")
    if context is None:
        return READING[report["carry"]]
    whole = WINDOWS[report["carry"]]
    return WINDOWED.format(
        whole=whole, context=context, stride=stride, known=context - stride, units=units
    )


def told(perplexity: float) -> float | int:
    """Four digits of small ones, whole numbers of large ones."""
    return perplexity if perplexity < 1000 else round(perplexity)
