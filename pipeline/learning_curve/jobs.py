"""The jobs of a learning curve, one after the other: each size, seed and variant.

What a job has finished is recognised by its stages, so the same command goes on where it was
stopped.
"""

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from configs.recipe import Recipe
from pipeline import stages
from pipeline.errors import Interrupted, JobError
from pipeline.learning_curve.forked import forked
from pipeline.learning_curve.samples import Samples, Size
from pipeline.learning_curve.variants import Variant
from pipeline.training.stopping import stop_requests

log = logging.getLogger("textmill")


@dataclass(frozen=True)
class Job:
    """One training: `examples` of which a valid split that is a fraction is still to be cut."""

    variant: str
    size: Size
    examples: int
    seed: int
    recipe: Recipe


@dataclass(frozen=True)
class Done:
    variant: str
    size: Size
    examples: int
    seed: int
    run_dir: str
    mlflow_run_id: str
    metrics: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def jobs(
    variants: Sequence[Variant],
    samples: Samples,
    sizes: Mapping[Size, Sequence[int]],
    files: dict[str, Any],
) -> list[Job]:
    """All jobs, the small ones first.

    Args: sizes, with the seeds of each; files, what of `data` the samples come with.
    """
    return [
        Job(
            variant.name,
            size,
            samples.examples if size == "all" else size,
            seed,
            _recipe(variant, size, seed, files | {"train": (str(samples.path(size, seed)),)}),
        )
        for size, seeds in sizes.items()
        for seed in seeds
        for variant in variants
    ]


def _recipe(variant: Variant, size: Size, seed: int, data: dict[str, Any]) -> Recipe:
    recipe = variant.recipe_at(size)
    parts = [recipe.name, *([variant.name] if variant.settings else []), size, seed]
    tracking = {"experiment": recipe.tracking.experiment or recipe.name}
    return recipe.model_copy(
        update={
            # A name of its own: who looks for the newest run of the recipe wants none of these.
            "name": "-".join(map(str, parts)),
            "seed": seed,
            "data": recipe.data.model_copy(update=data),
            "tracking": recipe.tracking.model_copy(update=tracking),
        }
    )


def run(todo: Sequence[Job]) -> Iterator[Done]:
    """Do one job each time that the next result is asked for.

    Raises:
        JobError: a job failed.
        Interrupted: SIGTERM came; of a job that was training the state is saved.
    """
    with stop_requests() as asked_to_stop:
        for number, job in enumerate(todo, 1):
            if asked_to_stop():
                raise Interrupted("stopped between two trainings; the same command goes on")
            log.info("learning-curve: job %d of %d: %s", number, len(todo), job.recipe.name)
            yield done(job)


def done(job: Job) -> Done:
    try:
        facts = forked(stages.run, job.recipe, "evaluate")
    except JobError as error:
        raise JobError(f"{job.recipe.name}: {error}") from error
    # They are for going on with a training, and would fill the disk.
    shutil.rmtree(Path(facts["run_dir"], "checkpoints"), ignore_errors=True)
    return Done(
        job.variant,
        job.size,
        job.examples,
        job.seed,
        facts["run_dir"],
        facts["mlflow_run_id"],
        facts["metrics"],
    )
