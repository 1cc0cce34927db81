"""An MLflow run for each evaluation on new data, below the run that trained the model."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.entities import Run as StoredRun
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from configs.recipe import Recipe
from pipeline import provenance
from pipeline.tracking import link
from pipeline.tracking.names import accepted
from pipeline.tracking.store import StoreError, connect, experiment_id, explained, store_uri

EVALUATED = "evaluated"  # the parameter by which such a run is known

log = logging.getLogger("textmill")


def log_evaluation(
    recipe: Recipe,
    folder: Path,
    trained_by: str | None,
    facts: Mapping[str, Any],
    metrics: Mapping[str, float],
) -> str | None:
    """Log an evaluation as a run of its own, unless the folder links to one already.

    Args: folder, the evaluation's; trained_by, the id of the run that trained the model, which may
        be of another store; facts, become parameters.

    Returns:
        The run's id, or None where the store does not answer: an evaluation is not lost for that.
    """
    if (linked := link.read(folder)) is not None:
        return linked.run_id
    uri = store_uri(recipe)
    try:
        client = connect(uri)
        with explained(uri):
            parent = _there(client, trained_by)
            experiment = parent.info.experiment_id if parent else experiment_id(client, recipe, uri)
            tags = {"mlflow.source.name": "textmill evaluate", **provenance.code()}
            if parent:
                tags[MLFLOW_PARENT_RUN_ID] = parent.info.run_id
            run = client.create_run(experiment, run_name=folder.name, tags=tags)
            now = run.info.start_time
            told = [Metric(name, value, now, 0) for name, value in accepted(metrics).items()]
            known = [Param(name, str(value)) for name, value in facts.items()]
            client.log_batch(run.info.run_id, metrics=told, params=known)
            client.log_artifact(run.info.run_id, str(folder / "recipe.yaml"))
            client.log_artifacts(run.info.run_id, str(folder), "evaluation")
            client.set_terminated(run.info.run_id)
    except StoreError as error:
        log.warning("%s. The evaluation is logged when this command runs again", error)
        return None
    link.write(folder, link.Link(run.info.run_id, uri, experiment))
    return run.info.run_id


def _there(client: MlflowClient, run_id: str | None) -> StoredRun | None:
    """The run, if the store has it."""
    if run_id is None:
        return None
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return run if run.info.lifecycle_stage == "active" else None
