"""Requests that arrive together run together.

One queue for each signature of a model version, with TF Serving's parameters: a batch is taken
when a thread is free and either `max_batch_size` rows wait or the oldest request has waited for
`batch_timeout_micros`. With a timeout of 0 a batch is what gathered while the one before ran.
Everything but the run itself happens on the event loop's thread, so there is nothing to lock.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from grpc import StatusCode

from serving.status import RequestError, from_exception, invalid

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Batching:
    """TF Serving's BatchingParameters."""

    max_batch_size: int = 128
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    allowed_batch_sizes: tuple[int, ...] = ()


@dataclass(eq=False)
class _Request:
    inputs: Arrays
    rows: int
    arrived: float
    answer: asyncio.Future

    @property
    def shape(self) -> tuple:
        return tuple(value.shape[1:] for value in self.inputs.values())


class Batcher:
    """Await `batcher(inputs, rows)` for the outputs of exactly these rows."""

    def __init__(self, run: Callable[[Arrays], Arrays], batching: Batching, threads: Executor):
        self._run, self._batching, self._threads = run, batching, threads
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Request] = deque()
        self._rows = self._running = 0
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, inputs: Arrays, rows: int) -> Arrays:
        """Outputs by name.

        Raises:
            RequestError: too many rows for a batch, the queue is full, or the model failed.
        """
        limit = self._batching.max_batch_size
        if rows > limit:
            raise invalid(f"Task size {rows} is larger than maximum input batch size {limit}")
        if self._rows + rows > limit * self._batching.max_enqueued_batches:
            raise RequestError(
                StatusCode.UNAVAILABLE,
                "The batch scheduling queue to which this task was submitted is full",
            )
        request = _Request(inputs, rows, self._loop.time(), self._loop.create_future())
        self._waiting.append(request)
        self._rows += rows
        self._start_batches()
        try:
            return await request.answer
        except asyncio.CancelledError:
            if request in self._waiting:  # its deadline passed, or its client left
                self._waiting.remove(request)
                self._rows -= rows
            raise

    def _start_batches(self) -> None:
        while self._waiting and self._running < self._batching.num_batch_threads:
            due = self._waiting[0].arrived + self._batching.batch_timeout_micros / 1e6
            if self._rows < self._batching.max_batch_size and due > self._loop.time():
                self._wake_at(due)
                return
            batch = self._take()
            self._running += 1
            work = self._loop.run_in_executor(self._threads, self._answer, batch)
            work.add_done_callback(lambda work, batch=batch: self._finish(batch, work.result()))

    def _wake_at(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._start_batches)

    def _take(self) -> list[_Request]:
        """The oldest requests that fit into one batch: equal shapes beyond the first axis."""
        batch, rows, shape = [], 0, self._waiting[0].shape
        for request in list(self._waiting):
            if request.shape != shape:
                continue
            if rows + request.rows > self._batching.max_batch_size:
                break
            batch.append(request)
            rows += request.rows
        self._rows -= rows
        if len(batch) == len(self._waiting):
            self._waiting.clear()
        else:
            taken = set(map(id, batch))
            self._waiting = deque(r for r in self._waiting if id(r) not in taken)
        return batch

    def _answer(self, batch: list[_Request]) -> list[Arrays | Exception]:
        """On a batch thread: one outcome for each request."""
        try:
            return self._run_together(batch)
        except Exception as error:
            if len(batch) == 1:
                return [from_exception(error)]
            # One bad request must not fail its neighbours, so each is run alone.
            return [outcome for request in batch for outcome in self._answer([request])]

    def _run_together(self, batch: list[_Request]) -> list[Arrays | Exception]:
        rows = sum(request.rows for request in batch)
        inputs = batch[0].inputs
        if len(batch) > 1:
            inputs = {n: np.concatenate([r.inputs[n] for r in batch]) for n in inputs}
        size = next((size for size in self._batching.allowed_batch_sizes if size >= rows), rows)
        if 0 < rows < size:
            inputs = {
                n: np.concatenate([v, v[:1].repeat(size - rows, 0)]) for n, v in inputs.items()
            }
        outputs = self._run(inputs)
        for name, value in outputs.items():
            if value.ndim == 0 or len(value) != size:
                raise RequestError(
                    StatusCode.FAILED_PRECONDITION,
                    f"output {name} has shape {list(value.shape)} for a batch of {size}: every"
                    " output of a batched signature needs the batch as its first axis",
                )
        outcomes, start = [], 0
        for request in batch:
            stop = start + request.rows
            outcomes.append({name: value[start:stop] for name, value in outputs.items()})
            start = stop
        return outcomes

    def _finish(self, batch: list[_Request], outcomes: list[Arrays | Exception]) -> None:
        self._running -= 1
        for request, outcome in zip(batch, outcomes, strict=True):
            if request.answer.done():  # cancelled while the batch ran
                continue
            if isinstance(outcome, Exception):
                request.answer.set_exception(outcome)
            else:
                request.answer.set_result(outcome)
        self._start_batches()
