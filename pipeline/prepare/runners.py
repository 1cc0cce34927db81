"""One way to run work on Beam: a plain function over small descriptions, on any runner.

Elements that cross a shuffle are held in memory by the in-process runner, so texts never travel
through Beam: a unit of work is a file's name, the function reads and writes files itself, and what
comes back is a few facts. A pipeline ends in one sink because the Dask runner computes no more than
the last one. What came back is checked here: every unit must have been answered once.
"""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from configs.data import Beam
from pipeline.errors import JobError

NAMES = {
    "portable": "PortableRunner",
    "dask": "apache_beam.runners.dask.dask_runner.DaskRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
Facts = dict[str, Any]
log = logging.getLogger("textmill")


def run(
    settings: Beam, work: Callable[[Any], Facts], units: Sequence[Any], answers: Path
) -> list[Facts]:
    """Call `work` for each unit somewhere; return the facts in the units' order.

    Args:
        work: picklable; a JobError it raises for some units ends the run with its message.
        answers: the sink, a path that driver and workers see.

    Raises:
        JobError: Beam failed, a unit was not answered, or `work` said so.
    """
    import apache_beam as beam

    try:
        with beam.Pipeline(runner=_runner(settings.runner), options=_options(settings)) as pipeline:
            _ = (
                pipeline
                | "Units" >> beam.Create(list(enumerate(units)))
                | "Spread" >> beam.Reshuffle()
                | "Work" >> beam.Map(_answer, work)
                | "Answers" >> beam.io.WriteToText(str(answers), num_shards=1)
            )
        if client := getattr(pipeline.result, "client", None):
            client.close()  # Dask's, which its runner leaves open
    except Exception as error:
        raise JobError(
            f"Beam's runner {settings.runner!r} failed: {_first_line(error)}; its options were"
            f" {list(settings.options)}"
        ) from error
    return _checked(answers, len(units))


def _answer(indexed: tuple[int, Any], work: Callable[[Any], Facts]) -> str:
    index, unit = indexed
    try:
        return json.dumps({"index": index, "facts": work(unit)})
    except JobError as error:
        # As an answer, because runners wrap exceptions in pages of their own.
        return json.dumps({"index": index, "error": str(error)})


def _checked(answers: Path, expected: int) -> list[Facts]:
    lines = [
        json.loads(line)
        for path in sorted(answers.parent.glob(answers.name + "-*"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    lines.sort(key=lambda line: line["index"])
    if [line["index"] for line in lines] != list(range(expected)):
        raise JobError(
            f"of {expected} units of work Beam gave {len(lines)} answers back, not one each; do all"
            f" workers see {answers.parent}?"
        )
    errors = [line["error"] for line in lines if "error" in line]
    if errors:
        raise JobError("\n".join(errors[:5]))
    return [line["facts"] for line in lines]


def _runner(name: str) -> Any:
    if name == "in_process":
        # By itself, DirectRunner would first try to download another runner.
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner

        return FnApiRunner()
    return NAMES.get(name, name)


def _options(settings: Beam) -> Any:
    from apache_beam.options.pipeline_options import PipelineOptions

    options = list(settings.options)
    if settings.runner == "dask" and not any("partition" in option for option in options):
        options.append("--dask_partition_size=1")  # else all files go to one worker
    return PipelineOptions(options, save_main_session=False)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
