"""Every predict request, over REST or gRPC, is let in, timed and counted here.

The metrics have TF Serving's names, labels and unit (microseconds), so that a dashboard that was
made for it reads them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from grpc import StatusCode
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from serving.status import RequestError, from_exception

disable_created_metrics()  # TF Serving has none
_MICROSECONDS = tuple(250 * 2**power for power in range(16))  # 250 us to 8.2 s


class Admission:
    """Limits and counts requests.

    Args:
        most_in_flight: more than this many at once are refused.
        most_bytes: so are those whose bodies are larger together.
        timeout: seconds a request may take when its client sets no shorter deadline.
    """

    def __init__(self, most_in_flight: int, most_bytes: int, timeout: float):
        self.most_in_flight, self.most_bytes, self.timeout = most_in_flight, most_bytes, timeout
        self.in_flight = self._bytes = 0
        self._registry = CollectorRegistry()
        prefix, registry = ":tensorflow:serving:", self._registry
        # A Gauge, because prometheus_client would add "_total" to a Counter's name.
        self._count = Gauge(
            prefix + "request_count",
            "Requests by outcome",
            ["model_name", "status"],
            registry=registry,
        )
        self._latency = Histogram(
            prefix + "request_latency",
            "Microseconds from a request's arrival to its answer",
            ["model_name", "API", "entrypoint"],
            buckets=_MICROSECONDS,
            registry=registry,
        )
        self._runtime = Histogram(
            prefix + "runtime_latency",
            "Microseconds that a batch ran",
            ["model_name", "API", "runtime"],
            buckets=_MICROSECONDS,
            registry=registry,
        )
        in_flight = Gauge("textmill_serving_requests_in_flight", "Requests now", registry=registry)
        in_flight.set_function(lambda: self.in_flight)

    @asynccontextmanager
    async def request(
        self, model: str, entrypoint: str, seconds: float | None = None
    ) -> AsyncIterator[Callable[[int], None]]:
        """Around the work of one request, which ends at its deadline.

        Gives what has to be called with the bytes that the request comes to hold.

        Raises:
            RequestError: whatever went wrong inside, always as this.
        """
        if self.in_flight >= self.most_in_flight:
            self._count.labels(model, StatusCode.RESOURCE_EXHAUSTED.name).inc()
            raise RequestError(
                StatusCode.RESOURCE_EXHAUSTED,
                f"{self.in_flight} requests are in flight, the most this server takes: try later",
            )
        start, status = time.perf_counter(), StatusCode.CANCELLED.name
        limit = self.timeout if seconds is None else min(seconds, self.timeout)
        self.in_flight += 1
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            held += size
            self._bytes += size
            if self._bytes > self.most_bytes:
                raise RequestError(
                    StatusCode.RESOURCE_EXHAUSTED,
                    f"the requests in flight hold more than {self.most_bytes} bytes, the most this"
                    " server takes: try later",
                )

        try:
            async with asyncio.timeout(limit):
                yield hold
            status = StatusCode.OK.name
        except TimeoutError as error:
            status = StatusCode.DEADLINE_EXCEEDED.name
            message = f"no answer within {limit:.3g} s"
            raise RequestError(StatusCode.DEADLINE_EXCEEDED, message) from error
        except RequestError as error:
            status = error.code.name
            raise
        except Exception as error:
            # Not by a name of ours: an exception that its own traceback leads back to stays in
            # memory, with the request, until the cycle collector comes by.
            status = from_exception(error).code.name
            raise from_exception(error) from error
        finally:
            self.in_flight -= 1
            self._bytes -= held
            self._count.labels(model, status).inc()
            if status == StatusCode.OK.name:
                microseconds = (time.perf_counter() - start) * 1e6
                self._latency.labels(model, "predict", entrypoint).observe(microseconds)

    def observe_run(self, model: str, seconds: float) -> None:
        self._runtime.labels(model, "Predict", "TF1").observe(seconds * 1e6)

    def metrics(self) -> bytes:
        return generate_latest(self._registry)
