"""Which MLflow run a job's folder belongs to, as `mlflow.json` in the folder says.

The address has no password in it. A store in the work folder stands there relative to the run's
folder, so that a work folder that is moved or copied goes on with the store that is in it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from configs.store_address import without_secrets
from pipeline import artifacts

LINK = "mlflow.json"
SQLITE = "sqlite:///"
BESIDE = "sqlite:///../"  # how an address begins that is relative to the run's folder


@dataclass(frozen=True)
class Link:
    run_id: str
    uri: str  # without a password; the path of a file is absolute
    experiment_id: str | None = None  # not in links of earlier versions

    @property
    def page(self) -> str:
        """The run's place in MLflow's pages, after the server's address.

        MLflow's pages are about agents, not about training, in a browser that has not chosen, and
        show traces in place of runs; no tag of an experiment changes that, but the address does.
        """
        place = f"/#/experiments/{self.experiment_id}/runs/{self.run_id}"
        return f"{place}?workflowType=machine_learning" if self.experiment_id else ""


def read(run_dir: Path) -> Link | None:
    if not (run_dir / LINK).is_file():
        return None
    said = artifacts.read_json(run_dir / LINK, "run_id", "tracking_uri")
    uri = said["tracking_uri"]
    if uri.startswith(BESIDE):
        uri = SQLITE + os.path.normpath(run_dir.resolve() / uri.removeprefix(SQLITE))
    return Link(said["run_id"], uri, said.get("experiment_id"))


def write(run_dir: Path, link: Link) -> None:
    uri, file = without_secrets(link.uri), local_file(link.uri)
    work = run_dir.resolve().parent.parent
    if file and file.is_relative_to(work):
        uri = SQLITE + os.path.relpath(file, run_dir.resolve())
    said = {"run_id": link.run_id, "experiment_id": link.experiment_id, "tracking_uri": uri}
    run_dir.mkdir(parents=True, exist_ok=True)
    artifacts.write_json(run_dir / LINK, said)


def local_file(uri: str) -> Path | None:
    """The file of a store in SQLite, where the address is its path."""
    path = uri.removeprefix(SQLITE)
    plain = path != uri and path and not path.startswith("file:") and "?" not in path
    return Path(path).resolve() if plain else None
