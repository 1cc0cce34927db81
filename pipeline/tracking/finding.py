"""The MLflow run of a job's folder: the one that it links to, or a new one where that is gone."""

import logging
import os
from pathlib import Path

from mlflow.exceptions import MlflowException

from configs.recipe import Recipe
from configs.store_address import without_secrets
from pipeline import finding_runs
from pipeline.errors import JobError
from pipeline.tracking import link, moved_store, one_task
from pipeline.tracking.description import description, result
from pipeline.tracking.journal import Journal
from pipeline.tracking.link import Link
from pipeline.tracking.sending import Sender
from pipeline.tracking.store import VARIABLE, Gone, connect, experiment_id, explained, store_uri

log = logging.getLogger("textmill")


def of_training(recipe: Recipe, run_dir: Path, prepared: Path) -> Link:
    """The run to train in; see `open_run`."""
    uri, linked, journal = store_uri(recipe), link.read(run_dir), Journal(run_dir)
    if linked is None:
        return new(recipe, run_dir, prepared)
    try:
        found, status = look_up(uri, linked.run_id, run_dir)
    except Gone as error:
        log.info("%s: a new one goes on", error)
    except JobError as error:
        if linked.uri != without_secrets(uri) or journal.status() in (None, "FINISHED"):
            raise
        log.warning("%s; what the job has to say is sent later", error)
        return linked
    else:
        if status != "FINISHED":
            return found
        journal.clear()
    return new(recipe, run_dir, prepared)


def of_trained(recipe: Recipe, run_dir: Path) -> Link:
    """The run of a job that has trained; see `reopen`."""
    linked = link.read(run_dir)
    if linked is None:
        if not (run_dir / finding_runs.TRAINING).is_dir():
            raise JobError(f"{run_dir} holds no {link.LINK}: nothing was trained there")
        return new(recipe, run_dir)
    try:
        return existing(recipe, run_dir, linked)
    except Gone as error:
        log.info("%s: a new one has what %s holds", error, run_dir)
        return new(recipe, run_dir)
    except JobError as error:
        log.warning("%s; what there is to say is sent later", error)
        return linked


def existing(recipe: Recipe, run_dir: Path, linked: Link) -> Link:
    """The run in the recipe's store, or else in the one where it was made.

    Raises:
        Gone: it is in neither.
        JobError: the store that may have it does not answer.
    """
    problems: list[Gone | JobError] = []
    for uri in dict.fromkeys((store_uri(recipe), linked.uri)):
        try:
            return look_up(uri, linked.run_id, run_dir)[0]
        except (Gone, JobError) as error:
            problems.append(error)
    named = recipe.tracking.uri or os.environ.get(VARIABLE)
    if named and isinstance(problems[0], Gone):
        raise problems[0]  # the user says that another store is to be used from now on
    raise next((error for error in problems if isinstance(error, JobError)), problems[0])


def look_up(uri: str, run_id: str, run_dir: Path) -> tuple[Link, str]:
    """The run in a store, with its status there.

    Raises:
        Gone: it is not there.
        JobError: the store does not answer.
    """
    file = link.local_file(uri)
    if file is not None and not file.is_file():
        raise Gone(uri, run_id)
    client = connect(uri)
    with explained(uri):
        try:
            info = client.get_run(run_id).info
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                raise Gone(uri, run_id) from None
            raise
        if info.lifecycle_stage != "active":
            raise Gone(uri, run_id, deleted=True)
        if file is not None:
            moved_store.correct(uri, file, info.artifact_uri)
    found = Link(run_id, uri, info.experiment_id)
    if link.read(run_dir) != Link(run_id, without_secrets(uri), info.experiment_id):
        link.write(run_dir, found)  # an earlier version's, or of a folder that was moved
    return found, info.status


def new(recipe: Recipe, run_dir: Path, prepared: Path | None = None) -> Link:
    """A run in the recipe's store that is told all that the job's journal has.

    Args: prepared, the job's data, found by what it trained if not said.

    Raises:
        JobError: the store does not answer, or does not take it.
        RecipeError: it has another task under the same name.
    """
    uri, journal = store_uri(recipe), Journal(run_dir)
    client = connect(uri)
    with explained(uri):
        experiment = experiment_id(client, recipe, uri)
        name = recipe.tracking.register_as or recipe.name
        one_task.of_registered_model(client, name, recipe.task.kind)
        tags = {"mlflow.source.name": "textmill"}
        made = client.create_run(experiment, run_name=run_dir.name, tags=tags)
        found = Link(made.info.run_id, uri, experiment)
        link.write(run_dir, found)
        if not journal.path.is_file():
            trained = prepared is None
            prepared = prepared or finding_runs.prepared(run_dir)
            for message in description(recipe, run_dir, prepared):
                journal.add(message)
            for message in result(run_dir) if trained else ():
                journal.add(message)
        Sender(journal, run_dir, uri, found.run_id).deliver()
    return found
