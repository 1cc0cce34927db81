"""The registry of models of an MLflow store, in which a name and an alias stand for a version."""

import io
import warnings
from contextlib import redirect_stderr
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from configs.recipe import Recipe
from pipeline import artifacts, provenance
from pipeline.prepare.checks import text_columns
from pipeline.tracking.run import Run, reopen
from pipeline.tracking.store import by_default, explained

EXPORT = "textmill.export"  # a version's tag: the fingerprint of what was registered
COLUMNS = ("text", "second")  # the inputs of `serving_default`


def log_model(recipe: Recipe, run_dir: Path, export_dir: Path) -> str:
    """Log an export to the run as a model that answers raw strings, and register it, unless it is.

    Returns its version in the registry.

    Raises:
        JobError: the store does not answer, or takes no model.
    """
    mark = artifacts.manifest(export_dir)["fingerprint"]
    with reopen(recipe, run_dir) as run, explained(run.uri):
        said = f"name = '{name(recipe)}' and run_id = '{run.id}'"
        for version in run.client.search_model_versions(said):
            if version.tags.get(EXPORT) == mark:
                return str(version.version)
        made = _log(recipe, run, export_dir)
        run.client.set_model_version_tag(name(recipe), made, EXPORT, mark)
    return made


def _log(recipe: Recipe, run: Run, export_dir: Path) -> str:
    columns = list(COLUMNS[: len(text_columns(recipe.task))])
    with (
        by_default(run.uri),
        mlflow.start_run(run.id, log_system_metrics=False),
        redirect_stderr(io.StringIO()),  # its own lines on what is registered, which we say
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # that an example of what to ask would be welcome
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("served_model.py")),
            artifacts={"export": str(export_dir)},
            model_config={"columns": columns},
            signature=_signature(columns),
            pip_requirements=provenance.requirements("tensorflow", "tensorflow-text", "mlflow"),
            registered_model_name=name(recipe),
        )
    return str(logged.registered_model_version)


def aliased(client: mlflow.MlflowClient, recipe: Recipe) -> ModelVersion | None:
    """The version that the recipe's alias stands for, if there is one."""
    try:
        version = client.get_registered_model(name(recipe)).aliases.get(recipe.tracking.alias)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return None if version is None else client.get_model_version(name(recipe), version)


def describe(run: Run, recipe: Recipe, version: str, tags: dict[str, str], champion: bool) -> None:
    """Put tags on a version. Args: champion, whether the recipe's alias moves to it."""
    with explained(run.uri):
        for key, value in tags.items():
            run.client.set_model_version_tag(name(recipe), version, key, value)
        if champion:
            run.client.set_registered_model_alias(name(recipe), recipe.tracking.alias, version)


def name(recipe: Recipe) -> str:
    return recipe.tracking.register_as or recipe.name


def _signature(columns: list[str]) -> ModelSignature:
    """Columns of strings, by name."""
    signature = ModelSignature(Schema([ColSpec("string", name) for name in columns]))
    # What MLflow calls so is checked by the model itself. MLflow's own check takes no list of
    # strings for a named column.
    signature._is_signature_from_type_hint = True
    return signature
