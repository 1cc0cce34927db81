"""Which MLflow store a job's run goes to, and whether it answers before the job starts."""

import logging
import os
import textwrap
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import quote

import mlflow
import sqlalchemy
from mlflow.exceptions import MlflowException

from configs.loading import RecipeError
from configs.recipe import Recipe
from configs.store_address import hide_secrets, user_and_password, without_secrets
from pipeline import locks
from pipeline.errors import JobError
from pipeline.tracking import one_task
from pipeline.tracking.link import local_file

logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)


class StoreError(JobError):
    """A store that does not answer, or does not take what it is told."""


class Gone(Exception):
    """A store that answers, and does not have a run; `deleted` if it can restore it."""

    def __init__(self, uri: str, run_id: str, deleted: bool = False) -> None:
        what = f"run {run_id} any more, which was deleted" if deleted else f"run {run_id}"
        super().__init__(f"MLflow at {without_secrets(uri)} has no {what}")
        self.deleted = deleted


KIND = "mlflow.experimentKind"  # by which some versions of MLflow's pages show runs first
VARIABLE = "MLFLOW_TRACKING_URI"
# MLflow alone tries eight times for two minutes each, and lets its caller wait.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def store_uri(recipe: Recipe) -> str:
    """Its address; a server's without the password, which MLflow is told in another way."""
    default = f"sqlite:///{Path(recipe.work).resolve()}/mlflow.db"
    return logged_in(recipe.tracking.uri or os.environ.get(VARIABLE) or default)


def logged_in(uri: str) -> str:
    """A server's address without user and password: MLflow shows addresses, and these it does not.

    They go to the variables where MLflow looks for them. A database's address stays as it is.
    """
    if not uri.startswith("http"):
        return uri
    user, password = user_and_password(uri)
    if password:
        os.environ["MLFLOW_TRACKING_USERNAME"] = user
        os.environ["MLFLOW_TRACKING_PASSWORD"] = password
    return without_secrets(uri)


def connect(uri: str) -> mlflow.MlflowClient:
    """A client of a store that answers.

    Raises:
        JobError: it does not; said within seconds, where MLflow alone would try for minutes.
    """
    uri = logged_in(uri)
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    with explained(uri), _alone_in(uri):
        if not _remote(uri):
            url = sqlalchemy.engine.make_url(uri)
            if url.drivername.startswith("sqlite") and url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool).connect().close()
        client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
    return client


def _alone_in(uri: str) -> AbstractContextManager[None]:
    """One process at a time opens a store in a file, for only one to make its tables."""
    file = local_file(uri)
    return locks.alone(file) if file else nullcontext()


@contextmanager
def by_default(uri: str) -> Iterator[None]:
    """Let MLflow's own functions use a store, for as long as this lasts.

    To set it sets the environment's variables too, by which the next recipe of this process would
    choose its store.
    """
    before = {name: os.environ.get(name) for name in (VARIABLE, "MLFLOW_REGISTRY_URI")}
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turn whatever a store raises into a JobError that says what to do."""
    try:
        yield
    except (JobError, RecipeError, Gone):
        raise
    except Exception as error:
        said = hide_secrets(str(error) or type(error).__name__, uri)
        reason = textwrap.shorten(said, 300, placeholder="...")
        # Without the error that it comes from, which may show a password.
        raise StoreError(
            f"the MLflow store {without_secrets(uri)} cannot be used ({reason}): start it, or name"
            " another one with --set tracking.uri=... or MLFLOW_TRACKING_URI (sqlite:///FILE or"
            " http://HOST:PORT); MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD log in"
        ) from None


def experiment_id(client: mlflow.MlflowClient, recipe: Recipe, uri: str) -> str:
    """The recipe's experiment, made if need be.

    Raises:
        JobError: it is deleted.
        RecipeError: it has the recipe's name, and runs of another task.
    """
    name = recipe.tracking.experiment or recipe.name
    found = client.get_experiment_by_name(name)
    if found is None:
        # A server knows where artefacts go; a bare database would put them in the current folder.
        folder = Path(recipe.work).resolve() / "mlartifacts" / quote(name, safe=" ")
        place = None if _remote(uri) else folder.as_uri()
        try:
            return client.create_experiment(name, place, {KIND: "custom_model_development"})
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return experiment_id(client, recipe, uri)  # another process was faster
    if found.lifecycle_stage != "active":
        raise JobError(
            f"the experiment {name!r} is deleted in the MLflow store {without_secrets(uri)}:"
            f" restore it (mlflow experiments restore --experiment-id {found.experiment_id}), or"
            " name another one with --set tracking.experiment=..."
        )
    if recipe.tracking.experiment is None:
        one_task.of_experiment(client, found.experiment_id, recipe)
    return found.experiment_id


def _remote(uri: str) -> bool:
    return uri.startswith(("http://", "https://", "databricks"))
