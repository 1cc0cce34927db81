"""What is installed here, whether it fits together, and what a job would run on."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

from configs.recipe import Recipe
from configs.store_address import without_secrets
from pipeline.errors import JobError

NAMED = ("tensorflow", "keras", "keras-hub", "tensorflow-text", "apache-beam", "mlflow")
INSTALL = "install what is locked: uv pip install --require-hashes -r requirements.txt"
DISK = 2 << 30  # bytes that a job may well need


@dataclass(frozen=True)
class Finding:
    what: str
    remedy: str = ""  # what to do; empty when all is well


def findings(recipe: Recipe) -> Iterator[Finding]:
    """Look at one thing after the other; slow ones last."""
    for look in (python, packages, tfrecords, disk, store, devices):
        yield from look(recipe)


def python(_: Recipe) -> Iterator[Finding]:
    fits = sys.version_info[:2] == (3, 11)
    remedy = "" if fits else "delete .venv, then `make run` with Python 3.11"
    yield Finding(f"Python {platform.python_version()}, {sys.executable}", remedy)


def packages(_: Recipe) -> Iterator[Finding]:
    yield from (Finding(f"{name} {_installed(name) or 'is missing'}") for name in NAMED)
    # What textmill needs, and what the packages it needs by name need.
    wanted = {name: _requirements(name) for name in ("textmill", *NAMED)}
    for name, requirements in wanted.items():
        for requirement in requirements:
            got = _installed(requirement.name)
            if got is None or not requirement.specifier.contains(got, prereleases=True):
                yield Finding(f"{name} needs {requirement}, got {got or 'none'}", INSTALL)
    text, tensorflow = _installed("tensorflow-text"), _installed("tensorflow")
    if text and tensorflow and _minor(text) != _minor(tensorflow):
        # Its ops are compiled against one minor version.
        yield Finding(f"tensorflow-text {text} is not made for tensorflow {tensorflow}", INSTALL)


def tfrecords(_: Recipe) -> Iterator[Finding]:
    found = [name for name in ("snappy", "google_crc32c", "crcmod") if find_spec(name)]
    what = f"checksums of TFRecords by {found[0]}" if found else "no package for TFRecord checksums"
    yield Finding(what, "" if found else "pip install crcmod")


def disk(recipe: Recipe) -> Iterator[Finding]:
    folder = Path(recipe.work).resolve()
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    what, remedy = f"{free / 1e9:.1f} GB free in {folder}", ""
    if free < DISK:
        remedy = f"a job may need {DISK >> 30} GB: make room, or --set work=ANOTHER_FOLDER"
    if not os.access(there, os.W_OK):
        what, remedy = f"{folder} cannot be written to", "--set work=ANOTHER_FOLDER"
    yield Finding(what, remedy)


def store(recipe: Recipe) -> Iterator[Finding]:
    try:
        from pipeline.tracking.store import connect, store_uri
    except ImportError as error:
        yield Finding(f"MLflow cannot start: {error}", INSTALL)
        return
    uri = store_uri(recipe)
    shown = without_secrets(uri)
    file = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not file.exists():
        yield Finding(f"MLflow store {shown}, which the first run makes")
        return
    try:
        connect(uri)
    except JobError as error:
        yield Finding(f"MLflow store {shown} does not answer", str(error))
    else:
        yield Finding(f"MLflow store {shown} answers")


def devices(recipe: Recipe) -> Iterator[Finding]:
    from pipeline.quiet import import_tensorflow

    try:
        import_tensorflow()
        import tensorflow as tf

        from pipeline.training.distribute import strategy

        chosen = strategy(recipe.train.strategy)
    except (ImportError, JobError, OSError) as error:
        yield Finding(f"TensorFlow cannot start: {error}", INSTALL)
        return
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    yield Finding(f"{os.cpu_count()} CPUs, GPUs: {', '.join(gpus) or 'none'}")
    yield Finding(
        f"train.strategy.kind {recipe.train.strategy.kind} is {type(chosen).__name__} with"
        f" {chosen.num_replicas_in_sync} replica(s)"
    )


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _requirements(name: str) -> list[Requirement]:
    """What a package needs here; nothing if it is not there itself."""
    try:
        listed = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:
        return []
    return [each for each in listed if each.marker is None or each.marker.evaluate({"extra": ""})]


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
