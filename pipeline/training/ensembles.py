"""An ensemble has nothing to learn: its weights are those of its members."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from configs import loading
from configs.recipe import Recipe
from pipeline import artifacts, members
from pipeline.finding_runs import TRAINING, WEIGHTS

log = logging.getLogger("textmill")


def publish(recipe: Recipe, prepared: Path, run_dir: Path, mark: str, tracking: Any) -> None:
    """Write the weights and the recipes of the members as the result of the run.

    Args: tracking, the run as `pipeline.tracking.open_run` gives it.

    Raises:
        JobError: a member is not there, or does not answer the same question as the others.
    """
    runs = members.find(recipe, prepared)
    weights = members.weights(runs)
    seconds = sum(artifacts.manifest(run / TRAINING)["seconds"] for run in runs)
    facts = {
        "prepared": str(prepared),
        "mlflow_run_id": tracking.id,
        "best_step": 0,
        "parameters": int(sum(np.prod(value.shape) for value in weights.values())),
        "seconds": seconds,
        "members": [str(run) for run in runs],
    }
    with artifacts.publish(run_dir / TRAINING, mark, facts) as folder:
        save_file(weights, folder / WEIGHTS)
        members.save(runs, folder)
        artifacts.write_json(folder / "history.json", [])
        (folder / members.RECIPE).write_text(loading.dump(recipe), encoding="utf-8")
    tracking.metrics(0, {"training_seconds": seconds, "parameters": facts["parameters"]})
    tracking.tags({"members": ", ".join(facts["members"])})
    log.info("train: an ensemble of %s", ", ".join(run.name for run in runs))
