"""Records in batches of bounded size, and work on them by threads without losing their order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

COUNT = 1000  # tf-text ops are slow on few texts, and not faster on more
BYTES = 1 << 20
THREADS = min(4, os.cpu_count() or 1)


def batched(items: Iterable[A], size: Callable[[A], int]) -> Iterator[list[A]]:
    """Lists of at most COUNT items and, unless one item is larger, BYTES in all."""
    batch: list[A] = []
    total = 0
    for item in items:
        here = size(item)
        if batch and (len(batch) == COUNT or total + here > BYTES):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += here
    if batch:
        yield batch


def mapped(function: Callable[[A], B], items: Iterable[A], threads: int) -> Iterator[B]:
    """`map` by threads, with the results in order and few of them waiting.

    TensorFlow ops and NumPy let go of Python's lock, so that items are read while others are
    computed.
    """
    if threads < 2:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[B]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
