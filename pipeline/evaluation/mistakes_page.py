"""The part of a report about the worst mistakes: where each stands and what was right."""

from typing import Any

from pipeline import page
from pipeline.evaluation import ngrams_page
from pipeline.prepare import origins

RANKED = {  # what a mistake is ranked by
    "classify": "confidence",
    "multilabel": "loss",
    "regress": "error",
    "tag": "wrong words times confidence",
    "span": "(1 - F1) times confidence",
}


def write(report: dict[str, Any]) -> str:
    entries = report["mistakes"]
    if not entries:
        return ""
    note, measure = "", RANKED[report["task"]]
    columns: dict[str, list[Any]] = {}
    if places := origins.in_words(entries):
        columns["where"] = places
    for key, name in texts(report["task"], "second_text" in entries[0]).items():
        columns[name] = [page.shortened(entry[key]) for entry in entries]
    for key in ("label", "predicted"):
        columns[key] = [answer(entry[key]) for entry in entries]
    wrong = [float(entry["wrong"]) for entry in entries]
    columns[measure] = [f"{w:.1%}" for w in wrong] if measure == "confidence" else wrong
    if "decided_by" in entries[0]:
        note = ngrams_page.note(report)
        columns["decided by"] = [ngrams_page.told(entry["decided_by"], "+") for entry in entries]
    shown = page.table(list(columns), zip(*columns.values(), strict=True))
    return f"<h2>The worst mistakes</h2>\n{note}{shown}"


def texts(task: str, pair: bool) -> dict[str, str]:
    """The names of a mistake's texts by their keys."""
    if task == "span":
        return {"text": "question", "second_text": "context"}
    return {"text": "first text", "second_text": "second text"} if pair else {"text": "text"}


def answer(value: Any) -> Any:
    """A label, labels or a number."""
    if isinstance(value, list):
        value = ", ".join(value) or "none"
    return page.breakable(value) if isinstance(value, str) else value
