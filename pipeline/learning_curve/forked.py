"""A function in a process of its own that has imported already what this one has.

TensorFlow keeps some of what it traced, 13 MB a job of the smallest kind, and a new process would
import for 10 seconds. A fork does neither, as long as this process runs no TensorFlow op itself.
"""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from pipeline.errors import Interrupted, JobError

TERM = {signal.SIGTERM}


def forked(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns or raises. SIGTERM is passed on to it.

    Raises:
        JobError: the process ended without an answer.
        Interrupted: SIGTERM ended it.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, arguments), daemon=True)
    # One that comes in between waits until both processes know what to do.
    signal.pthread_sigmask(signal.SIG_BLOCK, TERM)
    process.start()
    sender.close()  # so that only the other process holds it, and its end is noticed
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TERM)
    try:
        error, answer = receiver.recv()
    except EOFError:
        process.join()
        if process.exitcode == -signal.SIGTERM:
            raise Interrupted("stopped between two trainings; the same command goes on") from None
        raise JobError(
            f"its process ended with status {process.exitcode}; -9 is often the system's way of"
            " saying that memory ran out"
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    process.join()
    if error is not None:
        raise error
    return answer


def _answer(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TERM)
    try:
        sender.send((None, function(*arguments)))
    except Exception as error:
        sender.send((error, None))
