"""One MLflow run per training job, logged explicitly, by the chief alone.

The run holds what went in (recipe, data, code, versions), what happened (metrics by step, system
metrics) and what came out (report, pictures, model). A job that goes on after an interruption goes
on in its run.
"""

import logging
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import yaml
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities import Run as StoredRun
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow.utils import validation

from configs.recipe import Recipe
from pipeline import artifacts, provenance
from pipeline.errors import Interrupted, JobError
from pipeline.tracking.store import connect, experiment_id, explained, store_uri

LINK = "mlflow.json"  # in the run's folder: {"run_id", "tracking_uri"}
SYSTEM_METRICS_SECONDS = 5

log = logging.getLogger("textmill")
logging.getLogger("mlflow.system_metrics").setLevel(logging.WARNING)


class Run:
    """An MLflow run to log to. `metrics` returns at once; a thread of its own sends them.

    A store that fails later does not stop the training: the metrics wait and are sent again.
    """

    def __init__(self, client: mlflow.MlflowClient, stored: StoredRun, uri: str):
        self.client, self.id, self.uri = client, stored.info.run_id, uri
        self.stored_up_to = {metric.key: metric.step for metric in stored.data._metric_objs}
        self.waiting: list[Metric] = []
        self.sender = ThreadPoolExecutor(1, thread_name_prefix="tracking")
        self.sending: Future[None] | None = None
        self.warned = False

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Log values at a step, but for those that the store had when the run was opened.

        A resumed job repeats the steps since its checkpoint, which should not be there twice.
        """
        now = time.time_ns() // 1_000_000
        self.waiting += [
            Metric(name, float(value), now, step)
            for name, value in values.items()
            if step > self.stored_up_to.get(name, -1)
        ]
        if self.sending is None or self.sending.done():
            self.sending = self.sender.submit(self._send)

    def tags(self, values: Mapping[str, Any]) -> None:
        self.client.log_batch(self.id, tags=[RunTag(name, str(v)) for name, v in values.items()])

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Log a file, or all files in a directory, to a folder of the run's artefacts."""
        send = self.client.log_artifacts if path.is_dir() else self.client.log_artifact
        send(self.id, str(path), folder)

    def artifact_soon(self, path: Path, folder: str) -> None:
        """Log a file as `metrics` are logged: a store that fails costs the file, not the work."""

        def send() -> None:
            try:
                self.artifact(path, folder)
            except Exception as error:
                log.warning("MLflow at %s did not take %s: %s", self.uri, path, error)

        self.sender.submit(send)

    def flush(self) -> None:
        """Wait until the store has all metrics, or has refused them once more."""
        self.sender.submit(self._send).result()

    def _send(self) -> None:
        while batch := self.waiting[: validation.MAX_METRICS_PER_BATCH]:
            try:
                self.client.log_batch(self.id, metrics=batch)
            except Exception as error:
                if not self.warned:
                    log.warning("MLflow at %s fails, will try again: %s", self.uri, error)
                self.warned = True
                return
            del self.waiting[: len(batch)]
            self.warned = False


class Silent:
    """What every worker but the chief logs to."""

    id = uri = None

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        pass

    def tags(self, values: Mapping[str, Any]) -> None:
        pass

    def artifact(self, path: Path, folder: str | None = None) -> None:
        pass

    def artifact_soon(self, path: Path, folder: str) -> None:
        pass


@contextmanager
def open_run(recipe: Recipe, run_dir: Path, prepared: Path) -> Iterator[Run]:
    """The run of a training job: the one that `run_dir` links to unless that finished, else new.

    It ends FINISHED, FAILED when the block raises, and KILLED when the block is interrupted. Only
    a finished run is never gone on with.

    Raises:
        JobError: the store does not answer.
    """
    uri = store_uri(recipe)
    client = connect(uri)
    with explained(uri):
        stored = _unfinished(client, run_dir, uri)
        resumed = stored is not None
        if stored is None:
            tags = {"mlflow.source.name": "textmill", **provenance.code(), **provenance.versions()}
            experiment = experiment_id(client, recipe, uri)
            stored = client.create_run(experiment, run_name=run_dir.name, tags=tags)
            _describe(client, stored.info.run_id, recipe, prepared)
            run_dir.mkdir(parents=True, exist_ok=True)
            link = {"run_id": stored.info.run_id, "tracking_uri": uri}
            artifacts.write_json(run_dir / LINK, link)
        run = Run(client, stored, uri)
        client.update_run(run.id, status="RUNNING")
        monitor = SystemMetricsMonitor(
            run.id, SYSTEM_METRICS_SECONDS, resume_logging=resumed, tracking_uri=uri
        )
        monitor.start()
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except (Interrupted, KeyboardInterrupt):
        status = "KILLED"
        raise
    finally:
        monitor.finish()
        _end(run, status)


@contextmanager
def reopen(run_dir: Path) -> Iterator[Run]:
    """The run of a job that has trained, for what later stages add; its status stays as it is.

    Raises:
        JobError: `run_dir` links to no run, or the store does not answer.
    """
    if not (run_dir / LINK).is_file():
        raise JobError(f"{run_dir} holds no {LINK}: nothing was trained there")
    link = artifacts.read_json(run_dir / LINK)
    client = connect(link["tracking_uri"])
    with explained(link["tracking_uri"]):
        run = Run(client, client.get_run(link["run_id"]), link["tracking_uri"])
    run.stored_up_to = {}  # a stage that runs again replaces its figures
    yield run
    _end(run, None)


def _unfinished(client: mlflow.MlflowClient, run_dir: Path, uri: str) -> StoredRun | None:
    if not (run_dir / LINK).is_file():
        return None
    link = artifacts.read_json(run_dir / LINK)
    if link["tracking_uri"] != uri:
        return None
    try:
        run = client.get_run(link["run_id"])
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return run if run.info.lifecycle_stage == "active" and run.info.status != "FINISHED" else None


def _describe(client: mlflow.MlflowClient, run_id: str, recipe: Recipe, prepared: Path) -> None:
    resolved = recipe.model_dump(mode="json")
    # MLflow itself cuts values that are too long.
    parameters = [Param(name, value) for name, value in provenance.flatten(resolved).items()]
    for start in range(0, len(parameters), validation.MAX_PARAMS_TAGS_PER_BATCH):
        stop = start + validation.MAX_PARAMS_TAGS_PER_BATCH
        client.log_batch(run_id, params=parameters[start:stop])
    client.log_text(run_id, yaml.safe_dump(resolved, sort_keys=False), "recipe.yaml")
    client.log_text(run_id, provenance.installed(), "versions.txt")

    data = artifacts.manifest(prepared)
    counts = {f"examples/{split}": facts["examples"] for split, facts in data["splits"].items()}
    counts |= {f"dead_letters/{reason}": n for reason, n in data["dead_letters"].items()}
    unseen = data.get("unseen_labels", {}).get("splits", {})
    counts |= {f"unseen_labels/{split}": facts["examples"] for split, facts in unseen.items()}
    now = time.time_ns() // 1_000_000
    client.log_batch(
        run_id,
        metrics=[Metric(name, float(count), now, 0) for name, count in counts.items()],
        tags=[RunTag("data.fingerprint", data["fingerprint"])],
    )
    with warnings.catch_warnings():  # that a path could be a path in two ways
        warnings.simplefilter("ignore")
        source = resolve_dataset_source(recipe.data.train[0])
    dataset = MetaDataset(source, name=recipe.name, digest=data["fingerprint"])  # type: ignore[abstract]
    context = [InputTag("mlflow.data.context", "training")]
    client.log_inputs(run_id, [DatasetInput(dataset._to_mlflow_entity(), context)])
    for report in prepared.glob("report.*"):
        client.log_artifact(run_id, str(report), "data")


def _end(run: Run, status: str | None) -> None:
    try:
        run.flush()
        run.sender.shutdown()
        if status:
            run.client.set_terminated(run.id, status)
    except Exception as error:  # the work is done, and not to be lost for its record
        log.warning("MLflow at %s did not take the end of run %s: %s", run.uri, run.id, error)
    if run.waiting:
        log.warning("MLflow at %s never took %d metrics", run.uri, len(run.waiting))
