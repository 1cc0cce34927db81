"""What MLflow has not got of the runs on disk, sent to it."""

import logging
from pathlib import Path

from configs import loading
from configs.recipe import Recipe
from pipeline.errors import JobError
from pipeline.finding_runs import TRAINING
from pipeline.tracking import finding, link
from pipeline.tracking.journal import JOURNAL, Journal
from pipeline.tracking.sending import Sender
from pipeline.tracking.store import Gone, explained, store_uri

log = logging.getLogger("textmill")


def sync(path: Path) -> dict[str, int]:
    """Send what waits of a run, or of all runs of a work folder, and make again those that are gone
    from their store.

    Returns how many messages of each run were sent.

    Raises:
        JobError: there is no run, or a store does not take everything.
    """
    runs = _runs(path)
    if not runs:
        raise JobError(f"{path} is no run and no work folder: name work or work/runs/NAME-XXXXXXXX")
    sent, failed = {}, []
    for run_dir in runs:
        try:
            sent[run_dir.name] = _send(run_dir)
        except JobError as error:
            failed.append(f"{run_dir.name}: {error}")
    if failed:
        raise JobError("\n".join(failed))
    return sent


def _runs(path: Path) -> list[Path]:
    """Those that had something to say last come last, and their models have the newest versions."""
    found = {}
    for folder in (path, *(path / "runs").glob("*")):
        files = [folder / name for name in (link.LINK, JOURNAL) if (folder / name).is_file()]
        if files:
            found[folder] = max(file.stat().st_mtime for file in files)
    return sorted(found, key=found.__getitem__)


def _send(run_dir: Path) -> int:
    journal, recipe, linked = Journal(run_dir), _recipe(run_dir), link.read(run_dir)
    try:
        if linked is None:
            raise Gone(store_uri(recipe), "of this folder")
        found = finding.existing(recipe, run_dir, linked)
    except Gone as error:
        if error.deleted:
            log.info("%s: left alone", error)
            return 0
        log.info("%s: a new one has what %s holds", error, run_dir)
        before = journal.waiting("")
        finding.new(recipe, run_dir)
        return before
    waiting = journal.waiting(found.run_id)
    with explained(found.uri):
        Sender(journal, run_dir, found.uri, found.run_id).deliver()
    return waiting


def _recipe(run_dir: Path) -> Recipe:
    """The job's, whose work folder may have been moved since."""
    file = run_dir / TRAINING / "recipe.yaml"
    if file.is_file():
        recipe = loading.load(file)
    else:
        said = (message for message, _ in Journal(run_dir).messages())
        texts = [message["text"] for message in said if message.get("file") == "recipe.yaml"]
        if not texts:
            raise JobError(f"{run_dir} has no recipe: run the job again")
        recipe = loading.parse(texts[0], name=str(run_dir / JOURNAL))
    return recipe.model_copy(update={"work": str(run_dir.resolve().parent.parent)})
