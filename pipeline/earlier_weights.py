"""Trained weights to start from: of a run, an export, a model in MLflow, or a BERT of others."""

import functools
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from configs import loading
from configs.recipe import Recipe
from configs.store_address import hide_secrets, without_secrets
from pipeline import artifacts, finding_runs, keras_hub_presets
from pipeline.errors import JobError
from pipeline.huggingface import reading as huggingface
from pipeline.huggingface.folders import is_folder as is_huggingface

PATHS = "weights.json"  # in an export: the paths of its variables, in their order
MLFLOW = re.compile(r"models:/|runs:/")
ALIAS = re.compile(r"models:/([^/@]+)@([^/@]+)")


@dataclass(frozen=True)
class Earlier:
    """Weights by their paths, and the model that they are of."""

    folder: Path
    recipe: Recipe
    vocabulary: list[str]
    labels: list[str]
    weights: dict[str, np.ndarray]


def locate(address: str, recipe: Recipe) -> Path:
    """The folder of the model that an address means.

    Args: address, a run as `finding_runs.find` takes it, an export's folder, one of Hugging Face's
        or a preset of keras-hub's, or an MLflow model, models:/NAME@ALIAS, models:/NAME/VERSION or
        runs:/ID/model, in the recipe's store.

    Raises:
        JobError: there is none.
    """
    return _from_mlflow(address, recipe) if MLFLOW.match(address) else on_disk(address)


def on_disk(address: str) -> Path:
    """The same of what is not in MLflow.

    Raises:
        JobError: there is none.
    """
    folder = Path(address)
    return folder if _is_export(folder) or is_of_others(folder) else finding_runs.find(address)


def is_of_others(folder: Path) -> bool:
    """Whether Hugging Face's transformers or keras-hub would read a model there."""
    return is_huggingface(folder) or keras_hub_presets.is_preset(folder)


def content(folder: Path) -> str:
    """What stands for the weights of a model and for the words and labels they know."""
    if is_huggingface(folder):
        return huggingface.content(folder)
    if keras_hub_presets.is_preset(folder):
        return keras_hub_presets.content(folder)
    if not _is_export(folder):
        files = artifacts.manifest(folder / finding_runs.TRAINING)["files"]
        data = artifacts.manifest(finding_runs.prepared(folder))["fingerprint"]
        return artifacts.fingerprint(files[finding_runs.WEIGHTS], data)
    deciding = ("variables/", "tokenizer/", "labels.json", PATHS)
    files = artifacts.manifest(folder)["files"]
    return artifacts.fingerprint({n: s for n, s in files.items() if n.startswith(deciding)})


def read(folder: Path) -> Earlier:
    """Read what `locate` found.

    Raises:
        JobError: its files are damaged, an earlier version exported it, or textmill does not
            compute such a model.
    """
    if is_huggingface(folder):
        return Earlier(folder, *huggingface.read(folder))
    if keras_hub_presets.is_preset(folder):
        return Earlier(folder, *keras_hub_presets.read(folder))

    from pipeline.text import tokenizers

    export = _is_export(folder)
    stage = folder if export else folder / finding_runs.TRAINING
    data = folder if export else finding_runs.prepared(folder)
    artifacts.check(stage)
    return Earlier(
        folder,
        loading.load(stage / "recipe.yaml"),
        tokenizers.load(data / "tokenizer").vocabulary,
        artifacts.read_json(data / "labels.json"),
        _exported(stage) if export else load_file(stage / finding_runs.WEIGHTS),
    )


def _is_export(folder: Path) -> bool:
    return (folder / "saved_model.pb").is_file()


def _exported(folder: Path) -> dict[str, np.ndarray]:
    """The variables of a SavedModel, as `pipeline.publishing.servable` keeps them."""
    import tensorflow as tf

    if not (folder / PATHS).is_file():
        raise JobError(
            f"{folder} holds no {PATHS}, which says what its weights are: it was exported by an"
            " earlier version of textmill; export its run again, or start from the run"
        )
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    return {
        path: reader.get_tensor(f"weights/{place}/.ATTRIBUTES/VARIABLE_VALUE")
        for place, path in enumerate(artifacts.read_json(folder / PATHS))
    }


def _from_mlflow(address: str, recipe: Recipe) -> Path:
    from mlflow.exceptions import MlflowException

    from pipeline.tracking.store import by_default, connect, store_uri

    uri = store_uri(recipe)
    client = connect(uri)
    try:
        if alias := ALIAS.fullmatch(address):
            # An alias moves from version to version, and a version stays what it is.
            version = client.get_model_version_by_alias(*alias.groups()).version
            address = f"models:/{alias[1]}/{version}"
        with by_default(uri):
            folder = Path(_downloaded(uri, address).name)
    except (MlflowException, OSError) as error:
        raise JobError(
            f"MLflow at {without_secrets(uri)} has no {address} ({hide_secrets(str(error), uri)}):"
            " name models:/NAME@ALIAS,"
            " models:/NAME/VERSION or runs:/ID/model, or set tracking.uri to the store that has it"
        ) from None
    exports = [path.parent for path in folder.rglob("saved_model.pb")]
    if len(exports) != 1:
        shown = without_secrets(uri)
        raise JobError(f"{address} in MLflow at {shown} is no model that textmill exported")
    return exports[0]


@functools.cache
def _downloaded(uri: str, address: str) -> tempfile.TemporaryDirectory:
    """A copy of a model that never changes, for as long as this process runs."""
    import mlflow

    folder = tempfile.TemporaryDirectory(prefix="textmill-")
    mlflow.artifacts.download_artifacts(address, dst_path=folder.name, tracking_uri=uri)
    return folder
