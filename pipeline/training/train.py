"""The training loop: one recipe, one prepared directory -> trained weights.

A job that was killed goes on from its newest checkpoint and ends with the same weights, because all
that it does is a function of the recipe and of what the checkpoint holds.
"""

import logging
from contextlib import nullcontext
from pathlib import Path

from configs.models import Ensemble
from configs.recipe import Recipe
from pipeline import artifacts, runs, tracking
from pipeline.training import distribute, ensembles
from pipeline.training.job import Job
from pipeline.training.stopping import stop_requests

log = logging.getLogger("textmill")


def train(recipe: Recipe, prepared: Path) -> Path:
    """Train, go on with a job that was stopped, or do nothing when it has finished.

    Returns the run's directory, with the weights of the best validation in `training/`.

    Raises:
        JobError: damaged data, devices that are not there, no MLflow store, or a loss that is not
            finite.
        Interrupted: SIGTERM came, and the state is saved.
    """
    mark = runs.mark(recipe, prepared)
    run_dir = runs.directory(recipe, mark)
    stage = run_dir / runs.TRAINING
    if not distribute.is_chief():
        if not artifacts.finished(stage, mark):
            _train(recipe, prepared, run_dir, mark)
        return run_dir
    # A chief that waited would leave its workers waiting in their first step.
    with artifacts.to_make(stage, mark, wait=distribute.cluster() is None) as needed:
        if needed:
            _train(recipe, prepared, run_dir, mark)
        else:
            log.info("train: %s has finished already", run_dir)
    return run_dir


def _train(recipe: Recipe, prepared: Path, run_dir: Path, mark: str) -> None:
    artifacts.check(prepared)
    strategy = distribute.strategy(recipe.train.strategy)
    chief = distribute.is_chief()
    opened = (
        tracking.open_run(recipe, run_dir, prepared) if chief else nullcontext(tracking.Silent())
    )
    with opened as run, stop_requests() as asked_to_stop:
        if isinstance(recipe.model, Ensemble):
            if chief:
                ensembles.publish(recipe, prepared, run_dir, mark, run)
            return
        job = Job(recipe, prepared, run_dir, strategy, run)
        job.run(asked_to_stop)
        if chief:
            job.publish(mark)
