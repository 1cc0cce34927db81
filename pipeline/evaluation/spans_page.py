"""The part of a report about span questions some of which have no answer."""

from typing import Any

from pipeline import page
from pipeline.evaluation.intervals import spell
from pipeline.evaluation.scores import TITLES

SHOWN = ("f1", "exact")
NOTE = """
<p class="soft">The best thresholds are those for these very questions: choose one on others.</p>
"""


def write(report: dict[str, Any]) -> str:
    """How good the answers are where there is one and where there is none, and thresholds."""
    if "answerable" not in report:
        return ""
    rows = [
        [
            entry["part"],
            entry["questions"],
            *(spell(entry[name], percent=True) for name in SHOWN),
        ]
        for entry in report["answerable"]
    ]
    by_part = page.table(["", "questions", *(f"{TITLES[name]}, %" for name in SHOWN)], rows)
    best = page.table(
        ["best task.threshold for", "threshold", "score reached, %"],
        [[TITLES[e["for"]], float(e["threshold"]), 100 * e["score"]] for e in report["thresholds"]],
    )
    return f"<h2>Questions with an answer, and without</h2>\n{by_part}{best}{NOTE}"
