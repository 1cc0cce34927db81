"""A learning curve as a run of its recipe's MLflow experiment, with those of its jobs below it."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Metric
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from configs.recipe import Recipe
from configs.store_address import without_secrets
from pipeline import artifacts, provenance
from pipeline.tracking.link import LINK
from pipeline.tracking.names import accepted_name
from pipeline.tracking.store import connect, experiment_id, explained, store_uri

log = logging.getLogger("textmill")


def record(recipe: Recipe, facts: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Log the files in `folder` and the means by number of examples, unless these are there.

    Returns what `folder`/mlflow.json then links to: {"run_id", "tracking_uri", "mark"}.

    Raises:
        JobError: the store does not answer.
    """
    uri, mark = store_uri(recipe), artifacts.fingerprint(facts)
    address = without_secrets(uri)
    if (folder / LINK).is_file():
        link = artifacts.read_json(folder / LINK)
        if (link["tracking_uri"], link["mark"]) == (address, mark):
            return link
    client = connect(uri)
    with explained(uri):
        run = client.create_run(
            experiment_id(client, recipe, uri),
            run_name=f"{recipe.name}-learning-curve",
            tags={"mlflow.source.name": "textmill", "kind": "learning_curve", **provenance.code()},
        )
        run_id, now = run.info.run_id, time.time_ns() // 1_000_000
        metrics = [
            Metric(
                accepted_name(f"{cell['variant']}/{facts['score']}{suffix}"),
                *(cell[key], now, cell["examples"]),
            )
            for cell in facts["cells"]
            for key, suffix in (("value", ""), ("low", "/low"), ("high", "/high"))
            if cell[key] is not None
        ]
        client.log_batch(run_id, metrics=metrics)
        for path in (folder / "results.json", folder / "curve.svg", folder / "report.html"):
            client.log_artifact(run_id, str(path))
        for job in facts["jobs"]:
            client.set_tag(job["mlflow_run_id"], MLFLOW_PARENT_RUN_ID, run_id)
        client.set_terminated(run_id, "FINISHED")
    link = {"run_id": run_id, "tracking_uri": address, "mark": mark}
    artifacts.write_json(folder / LINK, link)
    return link
