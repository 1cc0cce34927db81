"""Which MLflow store a job's run goes to, and whether it answers before the job starts."""

import logging
import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import sqlalchemy

from configs.recipe import Recipe
from pipeline.errors import JobError

logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)


VARIABLE = "MLFLOW_TRACKING_URI"


def store_uri(recipe: Recipe) -> str:
    default = f"sqlite:///{Path(recipe.work).resolve()}/mlflow.db"
    return recipe.tracking.uri or os.environ.get(VARIABLE) or default


def connect(uri: str) -> mlflow.MlflowClient:
    """A client of a store that answers.

    Raises:
        JobError: it does not; said within seconds, where MLflow alone would try for minutes.
    """
    with explained(uri), _short_patience():
        if not _remote(uri):
            url = sqlalchemy.engine.make_url(uri)
            if url.drivername.startswith("sqlite") and url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool).connect().close()
        client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
    return client


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
    except JobError:
        raise
    except Exception as error:
        reason = textwrap.shorten(str(error) or type(error).__name__, 300, placeholder="...")
        raise JobError(
            f"the MLflow store {uri} cannot be used ({reason}): start it, or name another one with"
            " --set tracking.uri=... or MLFLOW_TRACKING_URI (sqlite:///FILE or http://HOST:PORT)"
        ) from error


def experiment_id(client: mlflow.MlflowClient, recipe: Recipe, uri: str) -> str:
    """The recipe's experiment, made if need be."""
    name = recipe.tracking.experiment or recipe.name
    if (found := client.get_experiment_by_name(name)) is not None:
        return found.experiment_id
    # A server knows where artefacts go; a bare database would put them in the current folder.
    folder = Path(recipe.work).resolve() / "mlartifacts" / name
    return client.create_experiment(name, None if _remote(uri) else folder.as_uri())


@contextmanager
def _short_patience() -> Iterator[None]:
    patience = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
    before = {name: os.environ.get(name) for name in patience}
    os.environ.update(patience)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _remote(uri: str) -> bool:
    return uri.startswith(("http://", "https://", "databricks"))
