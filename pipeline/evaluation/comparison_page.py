"""A comparison of runs as one HTML page: the best first, and each tested against it."""

from typing import Any

from pipeline import page
from pipeline.evaluation import paired
from pipeline.evaluation.compared import COSTS, Compared
from pipeline.evaluation.evaluation_page import shortened, spelled, title
from pipeline.evaluation.intervals import LEVEL
from pipeline.evaluation.pictures import error_bars
from pipeline.evaluation.scores import PERCENT, TITLES

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
single pairs: among many runs, a small one comes by chance.</p>
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
    if drawn := against_cost(runs):
        picture = page.picture(drawn, "score against cost")
        sections.append(f"<h2>What it costs</h2>\n{picture}")
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
            [title(name), *(spelled(name, run.metrics[name]) for run in runs)]
            for name in runs[0].metrics
        ),
        ["against the best", *against],
        *([name, *(cost(run, key) for run in runs)] for key, name in COSTS.items()),
    ]


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
        [key, *(shortened(value, 60) for value in found)]
        for key, found in values.items()
        if len(set(found)) > 1
    ]


def against_cost(runs: list[Compared]) -> Any:
    """The deciding score with its interval against each cost that all runs know; None if none."""
    known = [key for key in COSTS if all(run.costs.get(key) for run in runs)]
    if not known:
        return None
    from matplotlib.ticker import EngFormatter, MaxNLocator

    figure, axes = page.figure(len(known), height=3.2)
    score = runs[0].score
    for axis, key in zip(axes if len(known) > 1 else [axes], known, strict=True):
        for run in runs:
            found = run.metrics[score]
            bars = error_bars([found])
            axis.errorbar(run.costs[key], found["value"], yerr=bars, fmt="o", label=run.name)
        costs = [run.costs[key] for run in runs]
        if max(costs) > WIDE * min(costs):
            axis.set_xscale("log")
        else:
            axis.set_xlim(0, 1.1 * max(costs))
            axis.xaxis.set_major_locator(MaxNLocator(4))
            axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.set(xlabel=COSTS[key])
    first = axes[0] if len(known) > 1 else axes
    first.set_ylabel(TITLES[score])
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure
