"""The models being served: which versions there are, which are loaded, and which answers a request.

Every model follows its base path as TF Serving does: a new version is loaded and warmed up beside
the old one, then takes over; the old one finishes its requests and is unloaded. A version that does
not load is reported as END with its error, and the old one stays.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grpc import StatusCode
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from pipeline.errors import JobError
from serving.base_path import Stamp, choose, scan, stamp
from serving.batching import Arrays, Batcher, Batching
from serving.saved_model import SavedModel, Signature, load_warm
from serving.status import RequestError, from_exception, invalid

_TRY_AGAIN = 300  # seconds: what a version lacked may not have been a file, but memory
State = ModelVersionStatus.State
Observe = Callable[[str, float], None]  # model name, seconds of one run


@dataclass(eq=False)
class Version:
    model: str
    number: int
    path: Path
    stamp: Stamp  # of its files before it was loaded
    tried: float = field(default_factory=time.monotonic)
    state: State = State.START
    error: RequestError | None = None
    loaded: SavedModel | None = None
    batchers: dict[str, Batcher] = field(default_factory=dict)
    users: int = 0
    unused: asyncio.Event = field(default_factory=asyncio.Event)

    @contextmanager
    def in_use(self) -> Iterator[SavedModel]:
        """Keeps the version loaded."""
        assert self.loaded is not None
        self.users += 1
        try:
            yield self.loaded
        finally:
            self.users -= 1
            if self.users == 0:
                self.unused.set()

    async def predict(self, signature: Signature, inputs: Arrays) -> Arrays:
        return await self.batchers[signature.name](inputs, signature.check(inputs))


class Models:
    def __init__(self, configs: list[ModelConfig], batching: Batching, observe: Observe):
        self.configs = {config.name: config for config in configs}
        self._versions: dict[str, dict[int, Version]] = {}
        self._batching, self._observe = batching, observe
        self._runners = ThreadPoolExecutor(batching.num_batch_threads, "batch")
        self._loader = ThreadPoolExecutor(1, "load")
        self._polling = asyncio.Lock()
        self._unloading: set[asyncio.Task] = set()

    # What requests ask for.

    def find(self, name: str, number: int | None = None, label: str = "") -> Version:
        """The version that answers a request: the one asked for, or the newest available.

        Raises:
            RequestError: there is none.
        """
        if not name:
            raise invalid("ModelSpec has no name specified.")
        if label:
            number = self._labelled(name, label)
        available = [
            version
            for version in self._versions.get(name, {}).values()
            if version.state == State.AVAILABLE and number in (None, version.number)
        ]
        if not available:
            asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            raise RequestError(StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")
        return max(available, key=lambda version: version.number)

    def status(self, name: str, number: int | None = None, label: str = "") -> list[Version]:
        """All the versions ever seen of a model, newest first."""
        if label:
            number = self._labelled(name, label)
        versions = self._versions.get(name, {})
        if number is None and not versions:
            message = f"Could not find any versions of model {name}"
            raise RequestError(StatusCode.NOT_FOUND, message)
        if number is not None and number not in versions:
            message = f"Could not find version {number} of model {name}"
            raise RequestError(StatusCode.NOT_FOUND, message)
        numbers = sorted(versions, reverse=True) if number is None else [number]
        return [versions[number] for number in numbers]

    def metric_label(self, name: str) -> str:
        """The model's name for metrics, which must not grow with whatever names clients make up."""
        return name if name in self.configs else "unknown"

    def _labelled(self, name: str, label: str) -> int:
        labels = self.configs[name].version_labels if name in self.configs else {}
        if label not in labels:
            raise invalid(f"Unrecognized servable version label: {label}")
        return labels[label]

    # Following the file system.

    async def poll(self) -> None:
        """Look at every base path once; load, swap and unload what has changed."""
        async with self._polling:
            for config in self.configs.values():
                try:
                    await self._follow(config)
                except OSError as error:  # of this model's folder; the others go on
                    logging.error("model %s at %s: %s", config.name, config.base_path, error)
            for name in self._versions.keys() - self.configs.keys():
                self._retire(name, keep=())

    def check_served(self) -> None:
        """Raises: JobError: a model has no version that answers."""
        for name, config in self.configs.items():
            versions = self._versions.get(name, {}).values()
            if not any(version.state == State.AVAILABLE for version in versions):
                errors = [f"version {v.number}: {v.error.message}" for v in versions if v.error]
                why = "; ".join(errors) or (
                    "it holds no version, a folder named with a number in which saved_model.pb is"
                )
                raise JobError(f"model {name} at {config.base_path} cannot be served: {why}")

    async def poll_forever(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.poll()
            except Exception:
                logging.exception("looking for new versions failed; trying again")

    async def _follow(self, config: ModelConfig) -> None:
        found = await asyncio.to_thread(scan, Path(config.base_path))
        if not found:  # as when a disk is away for a moment: what is loaded goes on answering
            return
        known = self._versions.setdefault(config.name, {})
        wanted = choose(sorted(found), config.model_version_policy)
        for number in wanted:
            if number not in known or await self._worth_a_try(known[number]):
                files = await asyncio.to_thread(stamp, found[number])
                known[number] = Version(config.name, number, found[number], files)
                await self._load(known[number])
        if any(known[number].state == State.AVAILABLE for number in wanted):
            self._retire(config.name, keep=wanted)

    async def _worth_a_try(self, version: Version) -> bool:
        """Whether one that has ended may load now: it was unloaded, or failed and was copied on."""
        if version.state != State.END or version.error is None:
            return version.state == State.END
        if time.monotonic() - version.tried > _TRY_AGAIN:
            return True
        return await asyncio.to_thread(stamp, version.path) != version.stamp

    async def _load(self, version: Version) -> None:
        version.state = State.LOADING
        start = time.monotonic()
        where = f"model {version.model} version {version.number}"
        loop = asyncio.get_running_loop()
        try:
            loaded, warm = await loop.run_in_executor(self._loader, load_warm, version.path)
        except Exception as error:
            version.state, version.error = State.END, from_exception(error)
            logging.error("%s failed to load: %s", where, version.error.message)
            return
        version.loaded, version.state = loaded, State.AVAILABLE
        for name, signature in loaded.signatures.items():
            run = self._timed(version.model, signature)
            version.batchers[name] = Batcher(run, self._batching, self._runners)
        seconds = time.monotonic() - start
        logging.info("%s available after %.2f s, %d warm-up requests", where, seconds, warm)

    def _timed(self, model: str, signature: Signature) -> Callable[[Arrays], Arrays]:
        def run(inputs: Arrays) -> Arrays:
            start = time.perf_counter()
            outputs = signature(inputs)
            self._observe(model, time.perf_counter() - start)
            return outputs

        return run

    def _retire(self, name: str, keep: Sequence[int]) -> None:
        for version in self._versions[name].values():
            if version.state == State.AVAILABLE and version.number not in keep:
                version.state = State.UNLOADING  # from here on `find` does not see it
                task = asyncio.create_task(self._unload(version))
                self._unloading.add(task)
                task.add_done_callback(self._unloading.discard)

    async def _unload(self, version: Version) -> None:
        while version.users:
            version.unused.clear()
            await version.unused.wait()
        version.batchers.clear()
        loaded, version.loaded = version.loaded, None
        await asyncio.to_thread(loaded.close)
        del loaded
        gc.collect()  # its graph is full of cycles
        version.state = State.END
        logging.info("model %s version %d unloaded", version.model, version.number)

    def close(self) -> None:
        self._loader.shutdown(wait=False, cancel_futures=True)
        self._runners.shutdown()
