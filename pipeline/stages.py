"""The stages in their order. Each skips itself when nothing that it depends on has changed."""

import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from configs.recipe import Recipe
from configs.store_address import without_secrets
from pipeline import artifacts
from pipeline.evaluation.intervals import Estimate, spell_ends, spell_value
from pipeline.prepare import left_out
from pipeline.quiet import import_tensorflow

log = logging.getLogger("textmill")
ORDER = ("prepare", "train", "evaluate", "export", "verify")


def run(recipe: Recipe, last: str) -> dict[str, Any]:
    """Run the stages up to `last`.

    Returns:
        What there is by then of prepared_dir, records and dead_letters (by reason), run_dir,
        mlflow_run_id, tracking_uri, mlflow_page, metrics, verdict, export_dir, champion and
        largest_difference.
    """
    facts: dict[str, Any] = {}
    for stage, found in zip(ORDER, _stages(recipe, last != "prepare"), strict=False):
        facts |= found
        if stage == last:
            break
    return facts


def in_words(facts: dict[str, Any]) -> list[str]:
    """How good the model is, and where to look."""
    lines = [figure(name, found) for name, found in facts.get("metrics", {}).items()]
    if facts.get("verdict"):
        lines.append(f"verdict:     {facts['verdict']['words']}")
    if facts.get("champion"):
        lines.append(f"champion:    {facts['champion']['words']}")
    lines += facts["unseen_labels"].values()
    if "largest_difference" in facts:
        lines.append(
            f"the export answers as the trained model does: difference at most"
            f" {facts['largest_difference']:.1g}"
        )
    if "prepared_dir" in facts:
        if told := left_out.sentence(facts):
            lines.append(f"Beware: {told}")
        lines.append(f"data report: {facts['prepared_dir']}/report.html")
    if "metrics" in facts:
        lines.append(f"report:      {facts['run_dir']}/evaluation/report.html")
    if uri := facts.get("tracking_uri"):
        lines.append(f"MLflow:      {_where_to_look(uri, facts['mlflow_page'])}")
    if "export_dir" in facts:
        lines.append(f"serve it:    {_installed('textmill')} serve {facts['export_dir']}")
    return lines


def figure(name: str, found: Estimate) -> str:
    """A metric as a line of the console."""
    ends = spell_ends(found, 1, 4)
    interval = ends if found["low"] is None else f"95% interval {ends}"
    return f"{name:14} {spell_value(found, 1, 4)}  {interval}, n {found['n']:,}"


def _where_to_look(uri: str, page: str) -> str:
    """The run's page in MLflow, and how to start the server if the store has none."""
    if uri.startswith("http"):
        return uri.rstrip("/") + page
    start = f"{_installed('mlflow')} ui --backend-store-uri {uri}"
    if not uri.startswith("sqlite:"):  # whose password is not for a command line
        start = f"{_installed('mlflow')} ui, with the store's address in MLFLOW_BACKEND_STORE_URI"
    return f"{start}\n{'':13}then http://127.0.0.1:5000{page}"


def _installed(command: str) -> str:
    """How to call a command of this environment from here."""
    path = Path(sys.executable).with_name(command)
    if shutil.which(command) == str(path):
        return command
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _stages(recipe: Recipe, trains: bool) -> Iterator[dict[str, Any]]:
    """Do one stage each time that the next result is asked for."""
    if trains:
        import_tensorflow()
        from pipeline.training import distribute

        if distribute.is_evaluator():
            log.info("this is the cluster's evaluator: the chief evaluates, nothing is to be done")
            return
        # TensorFlow's devices have to be laid out before its first op, which prepare runs.
        distribute.strategy(recipe.train.strategy)

    from pipeline.prepare import prepare, unseen_labels

    prepared = prepare(recipe, distribute.patience(recipe.train.strategy) if trains else None)
    manifest = artifacts.manifest(prepared)
    counts = {name: manifest[name] for name in ("records", "dead_letters")}
    unseen = unseen_labels.sentences(prepared)
    yield {"prepared_dir": str(prepared), **counts, "unseen_labels": unseen}

    from pipeline.training.train import train

    run_dir = train(recipe, prepared)
    if not distribute.is_chief():
        return
    from pipeline import tracking

    link = tracking.catch_up(recipe, run_dir)
    yield {
        "run_dir": str(run_dir),
        "mlflow_run_id": link.run_id,
        "tracking_uri": without_secrets(link.uri),
        "mlflow_page": link.page,
    }

    from pipeline.evaluation.evaluate import evaluate
    from pipeline.evaluation.verdict import of_run

    yield {"metrics": evaluate(recipe, prepared, run_dir), "verdict": of_run(run_dir)}

    from pipeline.publishing.export import RECORD, export

    export_dir = export(recipe, run_dir)
    yield {
        "export_dir": str(export_dir),
        "champion": artifacts.read_json(run_dir / RECORD).get("champion"),
    }

    from pipeline.publishing.verify import verify

    yield {"largest_difference": verify(export_dir)}
