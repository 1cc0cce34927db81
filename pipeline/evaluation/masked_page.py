"""The report on a masked language model as one HTML page, from the JSON report and pictures."""

from typing import Any

from pipeline import page
from pipeline.evaluation import verdict
from pipeline.evaluation.intervals import LEVEL, spell
from pipeline.evaluation.opening import MODELS, caution, cost

BODY = """
<p class="soft">Masked language model ({{ model }}) of run {{ run }}, asked for {{ hidden }} hidden
tokens of {{ n }} {{ split }} examples, with {{ level }}% intervals over examples.</p>
{{ verdict | safe }}
{{ caution | safe }}
{{ tiles | safe }}
<p>Perplexity is e to the mean loss of a hidden token: among how many tokens, all as likely, the
model might as well guess. {% if unigram %}One that knows only how frequent each token is has
{{ unigram }}, and is right in {{ commonest }}% with the commonest one. {% endif %}
{{ unknown }} of the hidden tokens are [UNK].
Figures compare only between models of one vocabulary, of {{ vocabulary }} tokens here, and of one
way to hide tokens.</p>
{% if question %}<p>Accuracy of pairs: whether {{ question }}, where a half do.</p>{% endif %}
{% if learning %}<h2>How it learned</h2>{{ learning | safe }}
<p class="soft">The loss is that of hidden tokens{% if question %} and that of pairs, added
up{% endif %}. In training it is with dropout, in validation without.</p>{% endif %}
<h2>By what stands in a hidden token's place</h2>
{{ fates | safe }}
<h2>Examples</h2>
<p>Hidden tokens stand in brackets, with what the model says.</p>
{{ examples | safe }}
<h2>How this was measured</h2>
<p class="soft">{{ rate }}% of tokens are hidden, by {{ unit }}, in the same way in every run.
Intervals: {{ resamples }} bootstrap resamples of examples{% if question %}, of pairs
Wilson's{% endif %}. {{ cost }} Data {{ data }}.</p>
"""
QUESTIONS = {
    "next": "the second text follows the first",
    "order": "two texts stand in their order",
    "none": "",
}


def write(report: dict[str, Any], drawn: dict[str, Any]) -> str:
    """The whole page. Args: drawn, figures by name."""
    metrics = report["metrics"]
    known = "unigram_perplexity" in metrics
    tiles = {
        "perplexity of hidden tokens": spell(metrics["perplexity"]),
        "hidden tokens right, %": spell(metrics["accuracy"], percent=True),
    }
    if "pair_accuracy" in metrics:
        tiles["pairs right, %"] = spell(metrics["pair_accuracy"], percent=True)
    rows = [[part[name] for name in ("shown", "n", "loss", "accuracy")] for part in report["fates"]]
    body = page.fill(
        BODY,
        **{key: report[key] for key in ("run", "split", "data")},
        model=MODELS[report["model"]],
        verdict=verdict.on_a_page(report),
        caution=caution(report),
        hidden=page.spell(report["hidden"]),
        n=page.spell(metrics["perplexity"]["n"]),
        level=LEVEL,
        tiles=page.tiles(tiles),
        unigram=known and spell(metrics["unigram_perplexity"]),
        commonest=known and spell(metrics["unigram_accuracy"], percent=True),
        unknown=f"{100 * metrics['unknown_words']['value']:.1f}%",
        vocabulary=page.spell(report["vocabulary"]),
        question=QUESTIONS[report["pairs"]],
        learning="".join(page.picture(drawn[name], name) for name in drawn),
        fates=page.table(["there stands", "tokens", "loss", "accuracy"], rows),
        examples=page.table(["example"], [[text] for text in report["examples"]]),
        rate=f"{100 * report['masking']['rate']:g}",
        unit=report["masking"]["unit"],
        resamples=page.spell(report["resamples"]),
        cost=cost(report),
    )
    return page.page(report["name"], body)
