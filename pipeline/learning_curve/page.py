"""A learning curve as a picture, as a table for the terminal, and as an HTML page with both."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from pipeline import page
from pipeline.evaluation import intervals, paired
from pipeline.evaluation.intervals import LEVEL
from pipeline.evaluation.scores import PERCENT, TITLES
from pipeline.tasks import LOWER_IS_BETTER

Facts = Mapping[str, Any]  # what results.json holds

NOTE = """
<p class="soft">Each cell: the mean over {{ seeds }}, ± their standard deviation, with a
{{ level }}% bootstrap interval over the {{ n }} {{ split }} examples and the seeds; few seeds make
it narrower than it should be. A sample of one seed is part of each larger one, is the same for
every variant, and holds what a validation split is cut from.</p>
"""
AGAINST = """
<p class="soft">Each variant against {{ first }} on the same samples, seed by seed: the mean
difference in {{ score }}, above 0 where it is better, with its interval. The p values are those of
single pairs: among many, a small one comes by chance.</p>
"""


def picture(facts: Facts) -> Any:
    """The score by number of examples: each seed, their mean and its interval."""
    figure, axes = page.figure(height=3.6)
    scale = _scale(facts["score"])
    for name in facts["variants"]:
        cells = [cell for cell in facts["cells"] if cell["variant"] == name]
        counts = [cell["examples"] for cell in cells]
        (line,) = axes.plot(
            counts, [scale * cell["value"] for cell in cells], marker="o", markersize=4, label=name
        )
        low, high = (np.array([c[key] for c in cells], float) for key in ("low", "high"))
        band = {"color": line.get_color(), "alpha": 0.15, "linewidth": 0}
        axes.fill_between(counts, scale * low, scale * high, **band)
        points = [(cell["examples"], scale * value) for cell in cells for value in cell["values"]]
        axes.plot(*zip(*points, strict=True), ".", color=line.get_color(), markersize=3)
    counts = sorted({cell["examples"] for cell in facts["cells"]})
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set(xlabel="labelled examples", ylabel=_title(facts["score"]))
    axes.legend(frameon=False)
    return figure


def in_terminal(facts: Facts) -> list[Table]:
    """The scores, and what each variant gains over the first one."""
    tables = []
    for title, rows in ((_title(facts["score"]), _rows(facts)), ("against", _against(facts))):
        if rows:
            header = title if title != "against" else f"against {next(iter(facts['variants']))}"
            table = Table(header, *_sizes(facts))
            for row in rows:
                table.add_row(*row)
            tables.append(table)
    return tables


def write(facts: Facts) -> str:
    """The whole page."""
    first = facts["cells"][0]
    note = page.fill(
        NOTE, seeds=_seeds(facts), level=LEVEL, n=page.spell(first["n"]), split=facts["split"]
    )
    drawn = page.picture(picture(facts), "score by number of labelled examples")
    title = _title(facts["score"])
    sections = [note, drawn, page.table([title, *_sizes(facts)], _rows(facts))]
    if rows := _against(facts):
        name = next(iter(facts["variants"]))
        note = page.fill(AGAINST, first=name, score=TITLES[facts["score"]])
        table = page.table(["", *_sizes(facts)], rows)
        sections += [f"<h2>What each variant gains</h2>\n{note}\n{table}"]
    settings = [[name, ", ".join(given)] for name, given in facts["variants"].items() if given]
    settings += [[f"all at {size}", ", ".join(given)] for size, given in facts["at"].items()]
    if settings:
        sections += [f"<h2>What they are</h2>\n{page.table(['variant', 'settings'], settings)}"]
    jobs = [
        [job["variant"], job["size"], job["seed"], _one(job, facts), job["run_dir"]]
        for job in facts["jobs"]
    ]
    table = page.table(["variant", "size", "seed", title, "run"], jobs)
    sections.append(f"<h2>Jobs</h2>\n<details><summary>{len(jobs)} jobs</summary>{table}</details>")
    return page.page(f"Learning curve of {facts['name']}", "\n".join(sections))


def _rows(facts: Facts) -> list[list[str]]:
    return [
        [name, *(_cell(cell, facts) for cell in facts["cells"] if cell["variant"] == name)]
        for name in facts["variants"]
    ]


def _against(facts: Facts) -> list[list[str]]:
    points = facts["score"] in PERCENT
    names: Sequence[str] = list(facts["variants"])[1:]
    return [
        [name, *(paired.spell(c, points) for c in facts["comparisons"] if c["variant"] == name)]
        for name in names
    ]


def _cell(cell: Facts, facts: Facts) -> str:
    percent = facts["score"] in PERCENT
    text = intervals.spell(dict(cell), percent)
    if cell["deviation"] is None:
        return text
    value, interval = text.split(" ", 1)
    scale, digits = (100, 1) if percent else (1, 3)
    return f"{value} ± {scale * cell['deviation']:.{digits}f} {interval}"


def _one(job: Facts, facts: Facts) -> str:
    return intervals.spell(job["metrics"][facts["score"]], facts["score"] in PERCENT)


def _sizes(facts: Facts) -> list[str]:
    counts = {cell["size"]: cell["examples"] for cell in facts["cells"]}
    return [f"all {n:,}" if size == "all" else f"{n:,}" for size, n in counts.items()]


def _seeds(facts: Facts) -> str:
    """How many there are, by size if these differ."""
    numbers = {cell["size"]: cell["seeds"] for cell in facts["cells"]}
    if len(set(numbers.values())) == 1:
        return _counted(next(iter(numbers.values())))
    return ", ".join(f"{_counted(number)} of {size}" for size, number in numbers.items())


def _counted(number: int) -> str:
    return f"{number} seed" + "s" * (number != 1)


def _scale(score: str) -> int:
    return 100 if score in PERCENT else 1


def _title(score: str) -> str:
    better = ", less is better" if score in LOWER_IS_BETTER else ""
    return TITLES[score] + (", %" if score in PERCENT else "") + better
