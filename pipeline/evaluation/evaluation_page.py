"""The evaluation's report as one HTML page, made of the JSON report and its pictures alone."""

from collections import defaultdict
from typing import Any

from pipeline import page
from pipeline.evaluation import (
    attention_page,
    baselines,
    evaluation_method,
    mistakes_page,
    ngrams_page,
    paired,
    spans_page,
    thresholds,
    verdict,
)
from pipeline.evaluation.intervals import LEVEL, spell
from pipeline.evaluation.opening import MODELS, caution
from pipeline.evaluation.scores import PERCENT, TITLES
from pipeline.tasks import LOWER_IS_BETTER

HEAD = """
<p class="soft">{{ model }} of run {{ run }}, measured on {{ n }} {{ split }} {{ units }},
with {{ level }}% intervals.</p>
{{ verdict | safe }}
{{ caution | safe }}
"""


def write(report: dict[str, Any], drawn: dict[str, Any]) -> str:
    """The whole page. Args: drawn, figures by name."""
    pictures = defaultdict(str, {name: page.picture(drawn[name], name) for name in drawn})
    sections = [
        head(report),
        comparison(report),
        section("How it learned", pictures["learning"], pictures["choice"]),
        section("Predictions against labels", pictures["scatter"], pictures["errors"]),
        section("Where it is good, and where not", pictures["slices"], slices(report)),
        spans_page.write(report),
        novelty(report),
        confused(report, pictures),
        section(
            "Whether to believe its confidence", pictures["reliability"], pictures["confidences"]
        ),
        several(report, pictures),
        mistakes_page.write(report),
        attention_page.write(report, pictures),
        ngrams_page.write(report),
        classes(report),
        evaluation_method.write(report),
    ]
    return page.page(report["name"], "".join(sections))


def section(title: str, *parts: str) -> str:
    return f"<h2>{title}</h2>\n" + "".join(parts) if any(parts) else ""


def head(report: dict[str, Any]) -> str:
    metrics = report["metrics"]
    text = page.fill(
        HEAD,
        model=MODELS[report["model"]],
        verdict=verdict.on_a_page(report),
        caution=caution(report),
        run=report["run"],
        split=report["split"],
        n=page.spell(metrics[report["score"]]["n"]),
        units=evaluation_method.units(report),
        level=LEVEL,
    )
    tiles = {}
    for name, estimate in metrics.items():
        value, _, interval = spelled(name, estimate).partition(" ")
        unit = "%" if name in PERCENT and interval else ""
        tiles[f"{TITLES[name]} {interval}"] = value + unit
    return text + page.tiles(tiles)


def title(metric: str) -> str:
    return TITLES[metric] + (", %" if metric in PERCENT else "")


def spelled(name: str, estimate: dict[str, Any]) -> str:
    return spell(estimate, percent=name in PERCENT)


def comparison(report: dict[str, Any]) -> str:
    """What the baselines reach, and how far the model is ahead of each."""
    entries = report.get("baselines", [])
    if not entries:
        return ""
    model = MODELS[report["model"]]
    shown = list(entries[0]["metrics"])
    rows = [[f"this {model}", *(spelled(name, report["metrics"][name]) for name in shown), ""]]
    score, points = report["score"], report["task"] != "regress"
    sign = 1 if score in LOWER_IS_BETTER else -1
    for entry in sorted(entries, key=lambda entry: sign * entry["metrics"][score]["value"]):
        ahead = paired.spell(entry["against"], points=points)
        figures = [spelled(name, entry["metrics"][name]) for name in shown]
        rows.append([baselines.NAMES[entry["baseline"]], *figures, ahead])
    unit = "points" if points else "mean absolute error"
    header = ["", *map(title, shown), f"ahead by, {unit}"]
    return section("Beside the baselines", page.table(header, rows))


def slices(report: dict[str, Any]) -> str:
    score = report["score"]
    rows = [
        [part["by"], part["part"], part["n"], spelled(score, part)] for part in report["slices"]
    ]
    return page.table(["by", "part", evaluation_method.units(report), TITLES[score]], rows)


def novelty(report: dict[str, Any]) -> str:
    """Of a tagger: words that the training texts have, and words that they have not."""
    entries = report.get("novelty", [])
    with_spans = any("spans" in entry for entry in entries)
    rows = []
    for entry in entries:
        rows.append([entry["part"], entry["words"], spelled("accuracy", entry["accuracy"])])
        if with_spans:
            rows[-1] += [entry["spans"], spelled("entity_f1", entry["entity_f1"])]
    header = ["", "words", "accuracy, %", *(["spans", "entity F1, %"] if with_spans else [])]
    return section("Words that it knows, and new ones", page.table(header, rows)) if rows else ""


def confused(report: dict[str, Any], pictures: dict[str, str]) -> str:
    entries = report.get("confusions", [])
    if not entries:
        return ""
    rows = [
        [
            mistakes_page.answer(entry["label"]),
            mistakes_page.answer(entry["predicted"]),
            entry["n"],
            f"{100 * entry['share']:.0f}%",
        ]
        for entry in entries
    ]
    header = ["label", "predicted instead", report.get("counted", "texts"), "share of the label"]
    table = page.table(header, rows)
    note = ""
    if len(report["classes"]) > len(entries):
        note = '<p class="soft">The picture shows the classes of the commonest confusions.</p>'
    return section("What it confuses", note, pictures["confusion"], table)


def several(report: dict[str, Any], pictures: dict[str, str]) -> str:
    """Where a text may have several labels: from which probability on it gets them."""
    if report["task"] != "multilabel":
        return ""
    told = f"<p>{thresholds.in_words(report)}</p>\n"
    return section("From which probability on a label is given", told, pictures["precision_recall"])


def classes(report: dict[str, Any]) -> str:
    entries = sorted(report.get("classes", []), key=lambda entry: entry["f1"])
    if not entries:
        return ""
    rows = []
    for entry in entries:
        f1 = {"value": entry["f1"], "low": entry["f1_low"], "high": entry["f1_high"]}
        precision, recall = (f"{100 * entry[key]:.1f}" for key in ("precision", "recall"))
        rows.append([entry["label"], entry["n"], precision, recall, spell(f1, percent=True)])
        if report.get("threshold") == "per_label":
            rows[-1].append(entry["threshold"] or "none")
    header = ["class", report.get("counted", "texts"), "precision, %", "recall, %", "F1, %"]
    table = page.table([*header, "threshold"][: len(rows[0])], rows)
    if len(rows) > 10:
        summary = f"All {len(rows)} classes, the worst first"
        table = f"<details><summary>{summary}</summary>{table}</details>"
    return section("Class by class", table)
