"""The batcher alone, around a plain function instead of a model."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from grpc import StatusCode

from serving.batching import Batcher, Batching
from serving.status import RequestError


class Doubling:
    """Doubles its input and remembers the sizes of its batches; -1 fails, `hold` makes it wait."""

    def __init__(self):
        self.sizes, self.hold = [], threading.Event()
        self.hold.set()

    def __call__(self, inputs):
        assert self.hold.wait(5)
        self.sizes.append(len(inputs["x"]))
        if -1 in inputs["x"]:
            raise RequestError(StatusCode.INVALID_ARGUMENT, "-1 is not allowed")
        return {"y": 2 * inputs["x"]}


def run(work, model=None, **batching):
    """Await `work(batcher, model)`."""
    model = model or Doubling()

    async def main():
        with ThreadPoolExecutor(2) as threads:
            batcher = Batcher(model, Batching(**{"num_batch_threads": 1, **batching}), threads)
            return await asyncio.wait_for(work(batcher, model), 10)

    return asyncio.run(main())


def rows(*values):
    return {"x": np.array(values)}, len(values)


def answer(outputs):
    return outputs["y"].tolist()


def test_what_waits_runs_together_and_each_gets_its_own():
    async def work(batcher, model):
        model.hold.clear()
        tasks = [asyncio.create_task(batcher(*rows(i, 10 * i))) for i in range(9)]
        await asyncio.sleep(0.05)
        model.hold.set()
        assert [answer(await task) for task in tasks] == [[2 * i, 20 * i] for i in range(9)]
        assert model.sizes == [2, 16]

    run(work)


def test_no_batch_is_larger_than_allowed():
    async def work(batcher, model):
        await asyncio.gather(*(batcher(*rows(i, i, i)) for i in range(5)))
        assert max(model.sizes) == 6
        assert sum(model.sizes) == 15

    run(work, max_batch_size=8)


def test_a_batch_waits_for_the_timeout_unless_it_is_full():
    async def work(batcher, model):
        start = time.monotonic()
        await asyncio.gather(batcher(*rows(1, 2)), batcher(*rows(3, 4)))
        assert time.monotonic() - start < 0.2
        await asyncio.gather(batcher(*rows(1)), batcher(*rows(3)))
        assert time.monotonic() - start >= 0.3
        assert model.sizes == [4, 2]

    run(work, max_batch_size=4, batch_timeout_micros=300_000)


def test_a_full_queue_and_a_request_beyond_a_batch_are_refused():
    async def work(batcher, model):
        model.hold.clear()
        tasks = [asyncio.create_task(batcher(*rows(i, i))) for i in range(5)]  # 1 runs, 4 wait
        await asyncio.sleep(0.05)
        with pytest.raises(RequestError, match=r"queue .* is full") as refused:
            await batcher(*rows(1))
        assert refused.value.code == StatusCode.UNAVAILABLE
        with pytest.raises(RequestError, match="Task size 5 is larger") as refused:
            await batcher(*rows(1, 2, 3, 4, 5))
        assert refused.value.code == StatusCode.INVALID_ARGUMENT
        model.hold.set()
        assert len(await asyncio.gather(*tasks)) == 5

    run(work, max_batch_size=4, max_enqueued_batches=2)


def test_a_bad_request_fails_alone():
    async def work(batcher, model):
        model.hold.clear()
        tasks = [asyncio.create_task(batcher(*rows(i))) for i in (7, 1, -1, 3)]
        await asyncio.sleep(0.05)
        model.hold.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert answer(outcomes[1]) == [2]
        assert answer(outcomes[3]) == [6]
        assert "-1 is not allowed" in str(outcomes[2])

    run(work)


def test_a_request_past_its_deadline_leaves_the_queue():
    async def work(batcher, model):
        model.hold.clear()
        first = asyncio.create_task(batcher(*rows(0)))
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await batcher(*rows(1, 1, 1, 1))
        last = asyncio.create_task(batcher(*rows(2, 2, 2, 2)))  # the queue has room for 4
        model.hold.set()
        await asyncio.gather(first, last)
        assert model.sizes == [1, 4]

    run(work, max_batch_size=4, max_enqueued_batches=1)


def test_shapes_that_differ_are_not_mixed():
    async def work(batcher, model):
        model.hold.clear()
        shapes = [(1,), (1, 3), (1, 5), (2, 3)]
        tasks = [asyncio.create_task(batcher({"x": np.ones(s)}, s[0])) for s in shapes]
        await asyncio.sleep(0.05)
        model.hold.set()
        outputs = await asyncio.gather(*tasks)
        assert [o["y"].shape for o in outputs] == shapes
        assert sorted(model.sizes) == [1, 1, 3]

    run(work)


def test_allowed_batch_sizes_are_filled_up_and_cut_off():
    async def work(batcher, model):
        assert answer(await batcher(*rows(1, 2, 3))) == [2, 4, 6]
        assert model.sizes == [4]

    run(work, max_batch_size=4, allowed_batch_sizes=(2, 4))


def test_outputs_without_the_batch_axis_are_refused():
    async def work(batcher, model):
        with pytest.raises(RequestError, match="needs the batch as its first axis"):
            await batcher(*rows(1, 2))

    run(work, model=lambda inputs: {"y": np.ones(3)})
