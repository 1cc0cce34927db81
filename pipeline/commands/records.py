"""The command that completes the record of runs: sync."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import Json, answer


def sync(
    path: Annotated[
        Path, typer.Argument(metavar="RUN_OR_WORK", help="A run's folder, or a work folder.")
    ] = Path("work"),
    as_json: Json = False,
) -> None:
    """Send MLflow what it has not got of runs on disk."""
    from pipeline.quiet import settle_environment

    settle_environment()
    from pipeline.tracking.sync import sync

    sent = sync(path)
    lines = [f"{name}: {number:,} messages sent" for name, number in sent.items() if number]
    complete = f"{len(sent)} run(s): MLflow has all of what they have to say"
    answer("\n".join([*lines, complete]), {"sent": sent}, as_json)
