"""A learning curve from a recipe's file to results.json, curve.svg and report.html in a folder."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from configs.recipe import Recipe
from pipeline import artifacts, locks, tasks
from pipeline.evaluation.compare import check
from pipeline.evaluation.compared import Compared, from_folder
from pipeline.learning_curve import jobs, over_seeds, page, samples
from pipeline.learning_curve.forked import forked
from pipeline.learning_curve.jobs import Done
from pipeline.learning_curve.record import record
from pipeline.learning_curve.samples import Samples, Size
from pipeline.learning_curve.variants import Variant
from pipeline.page import svg

RESULTS = "results.json"
COLUMN = 34  # characters, where there is no terminal to fit in


def learning_curve(
    variants: Sequence[Variant],
    sizes: Mapping[Size, Sequence[int]],
    at: Mapping[Size, Sequence[str]],
    out: Path | None,
) -> dict[str, Any]:
    """Train and evaluate every variant on every sample, and say how good they are.

    Prints the tables. Returns what results.json holds, with the folder and the MLflow run.

    Args: sizes, with the seeds of each; at, the settings of sizes with some of their own, which the
        variants have in them.

    Raises:
        RecipeError: a size does not suit the data.
        JobError: the data cannot be read, a job failed, or the MLflow store does not answer.
        Interrupted: SIGTERM came; the same command goes on.
    """
    recipe = variants[0].recipe
    home = Path(recipe.work) / "learning_curve" / recipe.name
    folder = out or home
    with locks.alone(home), locks.alone(folder):
        return _learning_curve(variants, sizes, at, home, folder)


def _learning_curve(
    variants: Sequence[Variant],
    sizes: Mapping[Size, Sequence[int]],
    at: Mapping[Size, Sequence[str]],
    home: Path,
    folder: Path,
) -> dict[str, Any]:
    recipe = variants[0].recipe
    # Drawing runs TensorFlow's ops too.
    drawn, data = forked(_draw, recipe, sizes, home)
    # What every job needs is imported once, here.
    import pipeline.evaluation.evaluate
    import pipeline.training.train  # noqa: F401

    facts: dict[str, Any] = {
        "name": recipe.name,
        "task": recipe.task.kind,
        "score": tasks.deciding_score(recipe.task, None),
        "variants": {variant.name: variant.settings for variant in variants},
        "sizes": list(sizes),
        "at": {str(size): list(settings) for size, settings in at.items()},
        "jobs": [],
    }
    folder.mkdir(parents=True, exist_ok=True)
    done = []
    for result in jobs.run(jobs.jobs(variants, drawn, sizes, data)):
        done.append(result)
        facts["jobs"].append(result.as_json())
        artifacts.write_json(folder / RESULTS, facts)
    facts |= measure(done, facts)
    artifacts.write_json(folder / RESULTS, facts)
    (folder / "curve.svg").write_text(svg(page.picture(facts)), encoding="utf-8")
    (folder / "report.html").write_text(page.write(facts), encoding="utf-8")
    link = record(recipe, facts, folder)
    show(facts)
    return {**facts, "folder": str(folder), "mlflow_run_id": link["run_id"]}


def _draw(
    recipe: Recipe, sizes: Mapping[Size, Sequence[int]], home: Path
) -> tuple[Samples, dict[str, Any]]:
    drawn = samples.make(recipe, sizes, home)
    return drawn, samples.fixed(recipe, drawn)


def measure(done: Sequence[Done], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The mean over seeds of each variant and size, and each variant against the first one."""
    cells, comparisons = [], []
    for size in facts["sizes"]:
        runs: dict[str, list[Compared]] = {}
        for job in done:
            if job.size == size:
                runs.setdefault(job.variant, []).append(read(job))
        first, *others = runs
        check([run for some in runs.values() for run in some])
        examples = next(job.examples for job in done if job.size == size)
        place = {"size": size, "examples": examples}
        cells += [{"variant": n, **place, **over_seeds.mean(some)} for n, some in runs.items()]
        comparisons += [
            {"variant": name, **place, **over_seeds.ahead(runs[name], runs[first])}
            for name in others
        ]
        split = runs[first][0].report["split"]
    return {"split": split, "cells": cells, "comparisons": comparisons}


def read(job: Done) -> Compared:
    """An evaluated job without its texts, which would be in memory as often as there are jobs."""
    run = from_folder(Path(job.run_dir))
    known = ["label", "predicted", "correct"]
    table = run.predictions
    return dataclasses.replace(run, predictions=table[[c for c in known if c in table]])


def show(facts: Mapping[str, Any]) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = COLUMN * (len(facts["sizes"]) + 1)
    for table in page.in_terminal(facts):
        console.print(table)
