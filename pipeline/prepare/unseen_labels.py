"""Labels that only the files for validation and test have.

No model can answer them, so that their rows count as wrong, and whoever reads a score is told.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import artifacts
from pipeline.prepare.labels import Labels
from pipeline.prepare.statistics import Statistics

SHOWN = 5  # labels that a sentence names
Facts = dict[str, Any]  # {"examples": how many have such a label, "labels": {name: how often}}


def of_split(statistics: Statistics, labels: Labels) -> dict[str, Facts]:
    """{"unseen": facts}, or nothing where the split has no such label."""
    if not statistics.unseen:
        return {}
    counts = {name: statistics.labels[i] for i, name in enumerate(labels.unseen, len(labels.names))}
    named = {name: count for name, count in counts.items() if count}
    return {"unseen": {"examples": statistics.unseen, "labels": named}}


def facts(labels: Labels, splits: Mapping[str, Facts]) -> dict[str, Any]:
    """For the manifest: their names in the order of their ids, and the facts of each split."""
    if not labels.unseen:
        return {}
    found = {split: part["unseen"] for split, part in splits.items() if "unseen" in part}
    return {"unseen_labels": {"names": labels.unseen, "splits": found}}


def names(prepared: Path) -> list[str]:
    """What the ids of a prepared directory mean that are beyond those of `labels.json`."""
    return artifacts.manifest(prepared).get("unseen_labels", {}).get("names", [])


def sentences(prepared: Path) -> dict[str, str]:
    """By split, a sentence where it has such labels."""
    manifest = artifacts.manifest(prepared)
    found = manifest.get("unseen_labels", {}).get("splits", {})
    return {
        split: in_words(split, some, manifest["splits"][split]["examples"])
        for split, some in found.items()
    }


def in_words(split: str, found: Facts, examples: int) -> str:
    """Args: examples, how many the split has."""
    ranked = sorted(found["labels"].items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name!r} {count:,}" for name, count in ranked[:SHOWN])
    more = f" and {len(ranked) - SHOWN:,} other labels" if len(ranked) > SHOWN else ""
    number = found["examples"]
    return (
        f"{number:,} of {examples:,} examples of {split} {'has' if number == 1 else 'have'} a label"
        f" that training lacks ({named}{more}): no model can answer that, so it counts as wrong."
    )
