"""The registry of models of an MLflow store, in which a name and an alias stand for a version."""

from pathlib import Path

import mlflow
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from configs.recipe import Recipe
from pipeline import provenance
from pipeline.prepare.checks import text_columns
from pipeline.tracking.run import reopen
from pipeline.tracking.store import by_default, explained

COLUMNS = ("text", "second")  # the inputs of `serving_default`


def log_model(recipe: Recipe, run_dir: Path, export_dir: Path) -> str:
    """Log an export to the run as a model that answers raw strings, and register it.

    Afterwards `models:/NAME@ALIAS` is this model. Returns its version in the registry.

    Raises:
        JobError: the store does not answer, or takes no model.
    """
    name = recipe.tracking.register_as or recipe.name
    columns = list(COLUMNS[: len(text_columns(recipe.task))])
    with reopen(run_dir) as run, explained(run.uri), by_default(run.uri):
        with mlflow.start_run(run.id, log_system_metrics=False):
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(Path(__file__).with_name("served_model.py")),
                artifacts={"export": str(export_dir)},
                model_config={"columns": columns},
                signature=_signature(columns),
                pip_requirements=provenance.requirements("tensorflow", "tensorflow-text", "mlflow"),
                registered_model_name=name,
            )
        version = str(logged.registered_model_version)
        run.client.set_registered_model_alias(name, recipe.tracking.alias, version)
    return version


def _signature(columns: list[str]) -> ModelSignature:
    """Columns of strings, by name."""
    signature = ModelSignature(Schema([ColSpec("string", name) for name in columns]))
    # What MLflow calls so is checked by the model itself. MLflow's own check takes no list of
    # strings for a named column.
    signature._is_signature_from_type_hint = True
    return signature
