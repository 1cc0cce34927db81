"""An evaluated run to compare with others, read from its folder or from the MLflow store."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from configs.store_address import without_secrets
from pipeline import artifacts
from pipeline.errors import JobError
from pipeline.evaluation import evaluation_method
from pipeline.provenance import flatten

COSTS = {
    "parameters": "parameters",
    "seconds": "training, s",
    "bytes": "export, bytes",
    "latency_ms_p50_batch_1": "one request, ms",
}
NOT_SETTINGS = ("name", "work", "tracking.", "evaluate.", "export.")


@dataclass(frozen=True)
class Compared:
    """`costs` has those of COSTS that are known; `predictions` is indexed by example."""

    name: str
    report: dict[str, Any]
    settings: dict[str, str]
    costs: dict[str, float]
    predictions: pd.DataFrame

    @property
    def task(self) -> str:
        return self.report["task"]

    @property
    def units(self) -> str:
        """What it was measured on, in the plural."""
        return evaluation_method.units(self.report)

    @property
    def score(self) -> str:
        return self.report["score"]

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        return self.report["metrics"]


def from_folder(run_dir: Path) -> Compared:
    """Read a run, or an evaluation on new data, from its folder alone, without a store.

    Raises:
        JobError: nothing was evaluated there, or its files are damaged.
    """
    if (run_dir / "report.json").is_file():
        artifacts.check(run_dir)
        return _read(run_dir.name, run_dir, run_dir / "recipe.yaml", {})
    evaluation, exported = run_dir / "evaluation", run_dir / "export.json"
    figures = artifacts.read_json(exported) if exported.is_file() else {}
    if (evaluation / artifacts.MANIFEST).is_file():
        artifacts.check(evaluation)
    return _read(run_dir.name, evaluation, run_dir / "training" / "recipe.yaml", figures)


def from_store(names: list[str], experiment: str | None, uri: str | None) -> Iterator[Compared]:
    """Runs by id or by name, the newest of that name; or all finished ones of an experiment.

    Raises:
        JobError: there is no such run or experiment, or the store does not answer.
    """
    from mlflow.artifacts import download_artifacts

    from pipeline.tracking.evaluations import EVALUATED
    from pipeline.tracking.store import connect, explained, logged_in

    work = f"sqlite:///{Path('work').resolve()}/mlflow.db"
    uri = logged_in(uri or os.environ.get("MLFLOW_TRACKING_URI") or work)
    shown = without_secrets(uri)
    client = connect(uri)
    with explained(uri):
        experiments = {e.name: e.experiment_id for e in client.search_experiments()}
    if experiment is not None and experiment not in experiments:
        raise JobError(f"{shown} has no experiment {experiment!r}, only {', '.join(experiments)}")
    chosen = [experiments[experiment]] if experiment else list(experiments.values())

    def search(wanted: str) -> list[Any]:
        with explained(uri):
            return list(client.search_runs(chosen, wanted, order_by=["start_time DESC"]))

    finished = search("attributes.status = 'FINISHED'") if experiment else []
    found = [run for run in finished if EVALUATED not in run.data.params]
    for name in names:
        same = search(f"attributes.run_id = '{name}'") or search(f"attributes.run_name = '{name}'")
        if not same:
            raise JobError(
                f"{name!r} is no run's folder, and {shown} has no run of that id or name"
            )
        found.append(same[0])
    for run in found:
        with tempfile.TemporaryDirectory() as folder, explained(uri):
            logged_files = {file.path for file in client.list_artifacts(run.info.run_id)}
            if experiment and "evaluation" not in logged_files:
                continue  # trained, but never evaluated
            for path in logged_files & {"recipe.yaml", "evaluation"}:
                download_artifacts(
                    run_id=run.info.run_id, artifact_path=path, dst_path=folder, tracking_uri=uri
                )
            logged = run.data.metrics
            figures = {k: logged[f"export/{k}"] for k in COSTS if f"export/{k}" in logged}
            here = Path(folder)
            yield _read(run.info.run_name, here / "evaluation", here / "recipe.yaml", figures)


def _read(name: str, evaluation: Path, recipe: Path, figures: dict[str, Any]) -> Compared:
    if not (evaluation / "report.json").is_file():
        raise JobError(f"{name} has no evaluation: run `textmill evaluate` on its recipe first")
    report = artifacts.read_json(evaluation / "report.json")
    settings = flatten(yaml.safe_load(recipe.read_text(encoding="utf-8")))
    known = report | figures
    return Compared(
        name=name,
        report=report,
        settings={k: v for k, v in settings.items() if not k.startswith(NOT_SETTINGS)},
        costs={key: float(known[key]) for key in COSTS if known.get(key) is not None},
        predictions=pd.read_parquet(evaluation / "predictions.parquet").set_index("example"),
    )
