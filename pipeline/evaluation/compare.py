"""Runs side by side: how good they are, whether they differ, and what each costs."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from configs.loading import RecipeError
from pipeline import finding_runs, tasks
from pipeline.errors import JobError
from pipeline.evaluation import comparison_page, paired, scores, tagging_scores
from pipeline.evaluation.compared import Compared, from_folder, from_store

RESAMPLES, SEED = 1000, 1
PREDICT_TOKENS = ("language_model", "masked_language_model")
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
    folders = [Path(run) if Path(run).is_dir() else finding_runs.found(run) for run in runs]
    found = [from_folder(folder) for folder in folders if folder]
    names = [run for run, folder in zip(runs, folders, strict=True) if folder is None]
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
                f" {run.units}, of {len(ours):,} ({first.report['split']}) and {len(theirs):,}"
                f" ({run.report['split']}); evaluate both on the same test split"
            )
        if run.task in PREDICT_TOKENS:
            check_vocabulary(run, first)
            continue
        labels = zip(ours.label, theirs.label.loc[ours.index], strict=True)
        if different := sum(not np.array_equal(a, b) for a, b in labels):
            raise JobError(
                f"{first.name} and {run.name} cannot be compared: {different:,} of their"
                f" {len(shared):,} {run.units} have different labels in the two"
            )


def check_vocabulary(run: Compared, first: Compared) -> None:
    """Refuse language models that do not have the same words to choose from.

    Raises:
        JobError: they have other words, or cut the texts into other ones.
    """
    sizes = [r.report["vocabulary"] for r in (first, run)]
    unknown = [r.metrics["unknown_words"]["value"] for r in (first, run)]
    words = first.predictions.words, run.predictions.words.loc[first.predictions.index]
    if sizes[0] != sizes[1] or unknown[0] != unknown[1] or not np.array_equal(*words):
        raise JobError(
            f"{first.name} and {run.name} cannot be compared: perplexities go together only where"
            f" the words to choose from are the same, and one has {sizes[0]:,} of them and"
            f" {unknown[0]:.2%} unknown words in the texts, the other {sizes[1]:,} and"
            f" {unknown[1]:.2%}"
        )


def test(run: Compared, best: Compared) -> dict[str, Any]:
    """The paired test of a run against the best one, on the same examples."""
    ours, theirs = run.predictions, best.predictions.loc[run.predictions.index]
    if run.task == "regress":
        error, best_error = ((t.predicted - t.label).abs().to_numpy() for t in (ours, theirs))
        return paired.errors(error, best_error, RESAMPLES, SEED)
    if run.task == "tag":
        f1 = [
            tagging_scores.deciding(run.report["scheme"], ours.label.tolist(), tags.tolist())
            for tags in (ours.predicted, theirs.predicted)
        ]
        return paired.resampled(f1[0], f1[1], len(ours), RESAMPLES, SEED)
    if run.task == "span":
        f1 = [scores.mean(answered.f1.to_numpy()) for answered in (ours, theirs)]
        return paired.resampled(f1[0], f1[1], len(ours), RESAMPLES, SEED)
    if run.task in PREDICT_TOKENS:
        near = [scores.nearness(t.loss.to_numpy(), t.words.to_numpy()) for t in (ours, theirs)]
        return paired.resampled(near[0], near[1], len(ours), RESAMPLES, SEED)
    if run.task == "multilabel":
        f1 = [scores.micro_f1_of_sets(t.label, t.predicted) for t in (ours, theirs)]
        return paired.resampled(f1[0], f1[1], len(ours), RESAMPLES, SEED)
    return paired.right(ours.correct.to_numpy(), theirs.correct.to_numpy())


def in_terminal(runs: list[Compared], tests: list[dict[str, Any]]) -> Table:
    table = Table("", *(run.name for run in runs))
    for row in comparison_page.rows(runs, tests):
        table.add_row(*row)
    return table
