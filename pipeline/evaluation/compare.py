"""Runs side by side: how good they are, whether they differ, and what each costs."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from configs.loading import RecipeError
from pipeline import tasks
from pipeline.errors import JobError
from pipeline.evaluation import comparison_page, paired, tagging_scores
from pipeline.evaluation.compared import Compared, from_folder, from_store

RESAMPLES, SEED = 1000, 1
COLUMN = 40  # characters, where there is no terminal to fit in


def compare(runs: list[str], experiment: str | None, tracking_uri: str | None, out: Path) -> Path:
    """Compare runs, given by folder, MLflow id or name, and those of an experiment.

    Prints a table and writes a page. Returns the page: `out` itself if that ends in .html, else
    compare.html in it.

    Raises:
        RecipeError: fewer than two runs are named.
        JobError: a run is not there or not evaluated, or they were not measured on the same texts.
    """
    if not experiment and len(runs) < 2:
        raise RecipeError(f"compare takes two runs or more, or --experiment NAME; got {runs}")
    found = [from_folder(Path(run)) for run in runs if Path(run).is_dir()]
    names = [run for run in runs if not Path(run).is_dir()]
    if names or experiment:
        found += from_store(names, experiment, tracking_uri)
    if len(found) < 2:
        raise JobError(f"experiment {experiment!r} has {len(found)} evaluated runs; it takes two")
    check(found)
    score = found[0].score
    sign = 1 if score in tasks.LOWER_IS_BETTER else -1
    found.sort(key=lambda run: sign * run.metrics[score]["value"])
    tests = [test(run, found[0]) for run in found[1:]]
    console = Console()
    if not console.is_terminal:
        console.width = COLUMN * (len(found) + 1)
    console.print(in_terminal(found, tests))
    path = out if out.suffix == ".html" else out / "compare.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(comparison_page.write(found, tests), encoding="utf-8")
    return path


def check(runs: list[Compared]) -> None:
    """Refuse what cannot be compared.

    Raises:
        JobError: the runs have different tasks, texts or labels.
    """
    first = runs[0]
    for run in runs[1:]:
        if run.task != first.task:
            raise JobError(
                f"{first.name} and {run.name} cannot be compared: one is {first.task}, the other"
                f" {run.task}"
            )
        ours, theirs = first.predictions, run.predictions
        shared = ours.index.intersection(theirs.index)
        if len(shared) < max(len(ours), len(theirs)):
            raise JobError(
                f"{first.name} and {run.name} cannot be compared: they share {len(shared):,}"
                f" texts, of {len(ours):,} ({first.report['split']}) and {len(theirs):,}"
                f" ({run.report['split']}); evaluate both on the same test split"
            )
        labels = zip(ours.label, theirs.label.loc[ours.index], strict=True)
        if different := sum(not np.array_equal(a, b) for a, b in labels):
            raise JobError(
                f"{first.name} and {run.name} cannot be compared: {different:,} of their"
                f" {len(shared):,} texts have different labels in the two"
            )


def test(run: Compared, best: Compared) -> dict[str, Any]:
    """The paired test of a run against the best one, on the same examples."""
    ours, theirs = run.predictions, best.predictions.loc[run.predictions.index]
    if run.task == "regress":
        error, best_error = ((t.predicted - t.label).abs().to_numpy() for t in (ours, theirs))
        return paired.errors(error, best_error, RESAMPLES, SEED)
    if run.task == "tag":
        scores = [
            tagging_scores.deciding(run.report["scheme"], ours.label.tolist(), tags.tolist())
            for tags in (ours.predicted, theirs.predicted)
        ]
        return paired.resampled(scores[0], scores[1], len(ours), RESAMPLES, SEED)
    return paired.right(ours.correct.to_numpy(), theirs.correct.to_numpy(), RESAMPLES, SEED)


def in_terminal(runs: list[Compared], tests: list[dict[str, Any]]) -> Table:
    table = Table("", *(run.name for run in runs))
    for row in comparison_page.rows(runs, tests):
        table.add_row(*row)
    return table
