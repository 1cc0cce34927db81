"""Work on much data, done on a thread of its own: on the event loop everybody would wait for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_SMALL = 16 << 10  # bytes that take a few milliseconds at most


class Aside:
    """Await `aside(size, work, *arguments)` for the result; size in bytes.

    One thread, so that large requests wait for each other and share the memory they need. Python
    runs it in turns with the event loop, 5 ms each, or as long as a call of C takes.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "aside")

    async def __call__(self, size: int, work: Callable[..., Any], *arguments: Any) -> Any:
        if size <= _SMALL:
            return work(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
