"""A comparison of runs as one HTML page: the best first, and each tested against it."""

from typing import Any

from pipeline import page
from pipeline.evaluation import paired
from pipeline.evaluation.compared import COSTS, Compared
from pipeline.evaluation.evaluation_page import spelled, title
from pipeline.evaluation.intervals import LEVEL
from pipeline.evaluation.pictures import error_bars
from pipeline.evaluation.scores import PERCENT, TITLES
from pipeline.tasks import LOWER_IS_BETTER

OF_THE_TEXTS = {"unigram_accuracy", "unigram_perplexity", "unknown_words"}
MORE, LESS = "↑", "↓"
WIDE = 20  # costs further apart than this many times are drawn on a logarithmic axis
UNITS = {  # of the paired tests, where it is not the score that decides
    "regress": "mean absolute error",
    "classify": "points of {} answered right",
    "language_model": "perplexity",
    "masked_language_model": "perplexity",
}

NOTE = """
<p class="soft">All were measured on the same {{ n }} {{ split }} {{ units }}; intervals are
{{ level }}% intervals over these {{ units }}. Each run is tested against the best one on
the same {{ units }} ({{ test }}): {{ unit }}, below 0 where it is worse. The p values are those of
single pairs: among many runs, a small one comes by chance. ↑: more is better;
↓: less is better.</p>
"""


def write(runs: list[Compared], tests: list[dict[str, Any]]) -> str:
    """The whole page. Args: runs, the best first; tests, of all but the first against it."""
    best = runs[0]
    note = page.fill(
        NOTE,
        n=page.spell(len(best.predictions)),
        split=best.report["split"],
        units=best.units,
        level=LEVEL,
        test=tests[0]["test"],
        unit=UNITS.get(best.task, f"points of {TITLES[best.score]}").format(best.units),
    )
    sections = [note, page.table(["", *(run.name for run in runs)], rows(runs, tests))]
    if pictures := against_costs(runs):
        sections.append(f"<h2>What it costs</h2>\n{pictures}")
    if differing := settings(runs):
        table = page.table(["", *(run.name for run in runs)], differing)
        sections.append(f"<h2>What differs</h2>\n{table}")
    return page.page(f"Comparison of {len(runs)} runs", "\n".join(sections))


def rows(runs: list[Compared], tests: list[dict[str, Any]]) -> list[list[str]]:
    """The name of a metric, the test or a cost, and what each run has there."""
    against = [
        "the best",
        *(paired.spell(found, points=runs[0].score in PERCENT) for found in tests),
    ]
    return [
        *(
            [title(name) + arrow(name), *(spelled(name, run.metrics[name]) for run in runs)]
            for name in runs[0].metrics
        ),
        ["against the best", *against],
        *([f"{name} {LESS}", *(cost(run, key) for run in runs)] for key, name in COSTS.items()),
    ]


def arrow(metric: str) -> str:
    """Which way a metric is better, after a space; nothing of a fact about the texts."""
    if metric in OF_THE_TEXTS:
        return ""
    return f" {LESS if metric in LOWER_IS_BETTER else MORE}"


def cost(run: Compared, key: str) -> str:
    value = run.costs.get(key)
    if value is None:
        return "not known"
    return page.spell(round(value) if value >= 1000 else value)


def settings(runs: list[Compared]) -> list[list[str]]:
    """The settings that are not the same in all runs."""
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    values = {key: [run.settings.get(key, "") for run in runs] for key in keys}
    return [
        [key, *(page.shortened(value, 60) for value in found)]
        for key, found in values.items()
        if len(set(found)) > 1
    ]


def against_costs(runs: list[Compared]) -> str:
    """Pictures of the deciding score against each cost that all runs know."""
    known = [key for key in COSTS if all(run.costs.get(key) for run in runs)]
    return "".join(page.picture(against(runs, key), f"score and {COSTS[key]}") for key in known)


def against(runs: list[Compared], key: str) -> Any:
    """The deciding score with its interval against a cost."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    figure, axes = page.figure(height=3.2)
    score, costs = runs[0].score, [run.costs[key] for run in runs]
    for run in runs:
        found = run.metrics[score]
        bars = error_bars([found])
        axes.errorbar(run.costs[key], found["value"], yerr=bars, fmt="o", label=run.name)
    if max(costs) > WIDE * min(costs):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(0, 1.1 * max(costs))
        axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(tick))
    axes.set(xlabel=f"{COSTS[key]} {LESS}", ylabel=TITLES[score] + arrow(score))
    figure.legend(loc="outside lower center", frameon=False)
    return figure


def tick(value: float, place: int = 0) -> str:
    """A number as one writes it: 0.8, 1,500, 2 million. Args: place, matplotlib's, of no use."""
    for size, word in ((1e9, " billion"), (1e6, " million")):
        if value >= size:
            return f"{value / size:,.6g}{word}"
    return f"{value:,.6g}"
