"""Who is ahead on the same examples, the model or a baseline, in one sentence."""

from html import escape
from pathlib import Path
from typing import Any

from pipeline import artifacts
from pipeline.evaluation import baselines, intervals, paired
from pipeline.evaluation.opening import MODELS
from pipeline.evaluation.scores import PERCENT, TITLES

REPORT = Path("evaluation", "report.json")  # in a run's folder


def of_run(run_dir: Path) -> dict[str, Any] | None:
    """The verdict on an evaluated run, see `verdict`; None if it was not evaluated."""
    path = run_dir / REPORT
    return verdict(artifacts.read_json(path)) if path.is_file() else None


def verdict(report: dict[str, Any]) -> dict[str, Any] | None:
    """The model against the baseline that it is least ahead of; None where there is no baseline.

    Returns:
        "baseline", its name; "verdict" on the model: `better`, `worse` or `no different`; "value",
        by how much the model is ahead, with "low", "high", "n", "p" and "test"; "words".
    """
    entries = report.get("baselines")
    if not entries:
        return None
    entry = min(entries, key=lambda entry: _order(entry["against"]))
    found = {"baseline": entry["baseline"], "verdict": paired.verdict(entry["against"])}
    found |= {key: entry["against"][key] for key in ("value", "low", "high", "n", "p", "test")}
    return {**found, "words": in_words(report, found)}


def on_a_page(report: dict[str, Any]) -> str:
    """The verdict as a paragraph of HTML, a warning unless the model is better; "" without one."""
    found = verdict(report)
    if found is None:
        return ""
    mark = "" if found["verdict"] == "better" else ' class="warn"'
    return f"<p{mark}>{escape(found['words'][0].upper() + found['words'][1:])}.</p>\n"


def _order(against: dict[str, Any]) -> tuple[bool, float]:
    """A baseline that beats the model first, then by how much the model is ahead."""
    return paired.verdict(against) != "worse", against["value"]


def in_words(report: dict[str, Any], found: dict[str, Any]) -> str:
    model, baseline = f"the {MODELS[report['model']]}", baselines.NAMES[found["baseline"]]
    if found["verdict"] == "better":
        return f"{model} is ahead of the baseline {baseline} by {ahead(report, found)}"
    if found["verdict"] == "worse":
        lead = ahead(report, paired.turned(found))
        return f"the baseline {baseline} is ahead of {model} by {lead}"
    behind = found["value"] < 0
    lead = ahead(report, paired.turned(found) if behind else found)
    return (
        f"{model} is not clearly better or worse than the baseline {baseline}:"
        f" {'behind' if behind else 'ahead'} by {lead}"
    )


def ahead(report: dict[str, Any], found: dict[str, Any]) -> str:
    """`1.2 points of accuracy (0.3 to 2.1), p 0.012`."""
    scale, digits, unit = measure(report)
    value, ends = f"{scale * found['value']:.{digits}f}", intervals.spell_ends(found, scale, digits)
    return f"{value} {unit} ({ends}), {paired.spell_p(found)}"


def measure(report: dict[str, Any]) -> tuple[float, int, str]:
    """How a difference is shown: times what, with how many digits, in which unit."""
    score = report["score"]
    if report["task"] == "regress":
        return 1, 3, "of mean absolute error"
    if score in PERCENT:
        return 100, 1, f"points of {TITLES[score]}"
    return 1, 1, f"of {TITLES['perplexity']}"
