"""Sends a job's journal to its MLflow run, beside the job, which never waits for the store."""

import logging
import textwrap
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import mlflow
import requests
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils import validation

from configs.store_address import hide_secrets, without_secrets
from pipeline.tracking.journal import Journal, Message

PAUSE = 10  # times as long as a failure took is waited before the next try
LAST_PAUSE = 1.0  # seconds of such a pause that the end of a job waits for
# What the store says for good: the message is wrong, and would be so the next time.
REFUSED = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS"}
PASSING = {401, 403, 408, 429}  # HTTP statuses below 500 that may change

log = logging.getLogger("textmill")


class Sender:
    """Args: folder, that the journal's paths are relative to."""

    def __init__(self, journal: Journal, folder: Path, uri: str, run_id: str) -> None:
        self.journal, self.folder, self.uri, self.run_id = journal, folder, uri, run_id
        self.client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        self.thread: Thread | None = None
        self.fails, self.took, self.not_before = False, 0.0, 0.0  # when, in seconds

    def start(self) -> None:
        """Send what there is, in a thread, unless that is being done or has just failed."""
        busy = self.thread is not None and self.thread.is_alive()
        if not busy and time.monotonic() >= self.not_before:
            # A daemon: where a store hangs, the process ends all the same.
            self.thread = Thread(target=self.send, daemon=True, name="tracking")
            self.thread.start()

    def finish(self, seconds: float | None = None) -> None:
        """Send what there is and wait for it, but no longer than so many seconds."""
        if self.thread is not None:
            self.thread.join(seconds)
        pause = self.not_before - time.monotonic()
        if pause < LAST_PAUSE:
            time.sleep(max(0.0, pause))
            self.start()
            if self.thread is not None:
                self.thread.join(seconds)

    def send(self) -> None:
        """Send what there is until the store fails, and say so once."""
        began = time.monotonic()
        try:
            self.deliver()
        except Exception as error:
            now = time.monotonic()
            self.not_before = now + PAUSE * (now - max(began, self.took))
            if not self.fails:
                log.warning(
                    "MLflow at %s fails (%s): what it does not take is kept in %s and sent later",
                    *(without_secrets(self.uri), self._reason(error), self.journal.path),
                )
            self.fails = True

    def deliver(self) -> None:
        """Send what there is; raise what the store raises."""
        for messages, place in self._batches():
            self._deliver(messages)
            self.journal.mark_sent(self.run_id, place)
            self.took = time.monotonic()
            if self.fails:
                log.info("MLflow at %s answers again", without_secrets(self.uri))
            self.fails = False

    def _batches(self) -> Iterator[tuple[list[Message], int]]:
        """Metrics many at a time, each other message alone; and the place after them."""
        together: list[Message] = []
        size, end = 0, 0
        for message, place in self.journal.messages(self.journal.sent_to(self.run_id)):
            number = len(message.get("metrics", ()))
            if together and (not number or size + number > validation.MAX_METRICS_PER_BATCH):
                yield together, end
                together, size = [], 0
            if number:
                together, size, end = [*together, message], size + number, place
            else:
                yield [message], place
        if together:
            yield together, end

    def _deliver(self, messages: list[Message]) -> None:
        try:
            self._take(messages)
        except Exception as error:
            if not self._is_final(error):
                raise
            if len(messages) > 1:
                for message in messages:
                    self._deliver([message])
            else:
                what = textwrap.shorten(str(messages[0]), 100, placeholder="...")
                log.warning("MLflow takes no %s (%s): left out", what, self._reason(error))

    def _take(self, messages: list[Message]) -> None:
        match messages[0]:
            case {"metrics": _}:
                metrics = [
                    Metric(name, value, message["time"], message["step"])
                    for message in messages
                    for name, value in message["metrics"].items()
                ]
                self.client.log_batch(self.run_id, metrics=metrics)
            case {"params": values}:
                self._params([Param(name, value) for name, value in values.items()])
            case {"tags": values}:
                tags = [RunTag(name, value) for name, value in values.items()]
                self.client.log_batch(self.run_id, tags=tags)
            case {"text": text, "file": file}:
                self.client.log_text(self.run_id, text, file)
            case {"artifact": path, "folder": folder}:
                self._artifact(self._there(path), folder)
            case {"dataset": facts}:
                self._dataset(**facts)
            case {"status": "RUNNING"}:
                self.client.update_run(self.run_id, status="RUNNING")
            case {"status": status, "time": end}:
                self.client.set_terminated(self.run_id, status, end)

    def _params(self, values: list[Param]) -> None:
        step = validation.MAX_PARAMS_TAGS_PER_BATCH
        for start in range(0, len(values), step):
            # MLflow itself cuts values that are too long.
            self.client.log_batch(self.run_id, params=values[start : start + step])

    def _there(self, path: str) -> Path:
        place = (self.folder / path).resolve()
        if not place.exists():
            raise FileNotFoundError(f"{place} is no longer there")
        return place

    def _artifact(self, path: Path, folder: str | None) -> None:
        send = self.client.log_artifacts if path.is_dir() else self.client.log_artifact
        send(self.run_id, str(path), folder)

    def _dataset(self, name: str, digest: str, source: str) -> None:
        with warnings.catch_warnings():  # that a path could be a path in two ways
            warnings.simplefilter("ignore")
            found = resolve_dataset_source(source)
        dataset = MetaDataset(found, name=name, digest=digest)  # type: ignore[abstract]
        context = [InputTag("mlflow.data.context", "training")]
        self.client.log_inputs(self.run_id, [DatasetInput(dataset._to_mlflow_entity(), context)])

    def _is_final(self, error: Exception) -> bool:
        """Whether a message will never be taken, though the store is well and has the run."""
        if isinstance(error, requests.HTTPError) and error.response is not None:
            status = error.response.status_code
            return 400 <= status < 500 and status not in PASSING
        if isinstance(error, MlflowException) and error.error_code in REFUSED:
            run = self.client.get_run(self.run_id)
            return run.info.lifecycle_stage == "active"
        return isinstance(error, FileNotFoundError)

    def _reason(self, error: Exception) -> str:
        return textwrap.shorten(hide_secrets(str(error), self.uri), 300, placeholder="...")
