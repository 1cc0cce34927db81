"""Serve SavedModels on this machine with TF Serving's REST and gRPC API.

    python -m serving.server PATH | --model-base-path DIR | --model-config-file FILE

This is a stand-in for local use and tests. The production server is tensorflow/serving, which takes
the same files; serving/README.md says how, and where the two differ.
"""

import asyncio
import gc
import json
import logging
import resource
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.errors import JobError
from pipeline.quiet import import_tensorflow
from serving.arguments import Settings, parse
from serving.log_limits import LogLimit
from serving.model_list import follow

if TYPE_CHECKING:
    from serving.versions import Models

_LARGEST_BODIES = 16  # that may be in memory at once


def main(argv: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.addFilter(LogLimit())
    try:
        settings = parse(sys.argv[1:] if argv is None else argv)
        import_tensorflow()
        asyncio.run(_serve(settings))
    except JobError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    # TensorFlow comes with these, which `--help` and a wrong call do without.
    from serving.admission import Admission
    from serving.listeners import STAND_IN, Listeners
    from serving.versions import Models

    # TensorFlow's objects are so many that each full collection would stop all requests for 200 ms.
    gc.freeze()
    _allow_connections()
    logging.info("%s: for local use and tests, see serving/README.md", STAND_IN)
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    most_bytes = _LARGEST_BODIES * settings.largest_body
    admission = Admission(settings.most_in_flight, most_bytes, settings.timeout)
    models = Models(settings.models, settings.batching, admission.observe_run)
    listeners = Listeners(settings, models, admission)
    await models.poll()
    models.check_served()
    await listeners.start()
    _announce(settings, models, listeners.rest, listeners.grpc)
    following = [asyncio.create_task(models.poll_forever(settings.poll_seconds))]
    if settings.reread is not None and settings.reread_seconds > 0:
        followed = follow(models, settings.reread, settings.reread_seconds)
        following.append(asyncio.create_task(followed))
    await told_to_stop.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)  # a second one ends the process at once
    logging.info("stopping; %d requests in flight are finished first", admission.in_flight)
    for task in following:
        task.cancel()
    await listeners.stop()
    models.close()
    logging.info("stopped")


def _allow_connections() -> None:
    """As many as the system gives this process: each one is an open file."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _announce(settings: Settings, models: "Models", rest: str, grpc: str) -> None:
    from serving.saved_model import DEFAULT_SIGNATURE

    for model in settings.models:
        url = f"{rest}/v1/models/{model.name}:predict"
        with models.find(model.name).in_use() as loaded:
            signature = loaded.signatures.get(DEFAULT_SIGNATURE)
        inputs = signature.inputs if signature else ()
        row = dict.fromkeys(inputs, "a text") if len(inputs) > 1 else "a text"
        print(f"""try: curl -d '{json.dumps({"instances": [row]})}' {url}""")
    if settings.metrics_path is not None:
        print(f"metrics: {rest}{settings.metrics_path}")
    print(f"ready: REST {rest} gRPC {grpc}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
