"""Stopping at a loss that is not finite, with the batch that caused it."""

import math
from pathlib import Path

import numpy as np

from pipeline import artifacts
from pipeline.data import Split
from pipeline.errors import JobError
from pipeline.pretraining import Asked

LONGEST = 10_000  # characters of a text that are written


def check(
    step: int, rows: np.ndarray, figures: dict[str, float], split: Split, run_dir: Path
) -> None:
    """Let a step pass whose loss and gradient are finite.

    With loss scaling a gradient may overflow: the step changed nothing and the scale is halved.
    Below 1 no scale will help.

    Args: rows, the batch's examples; figures, "loss", "norm" and "scale" of the step.

    Raises:
        JobError: it says where the batch was written.
    """
    scaling = figures["scale"] > 1.0
    if math.isfinite(figures["loss"]) and (scaling or math.isfinite(figures["norm"])):
        return
    path = run_dir / "not_finite" / f"step-{step:08d}.json"
    path.parent.mkdir(exist_ok=True)
    examples = [{"example": int(row), **_told(split, int(row))} for row in rows]
    spelt = {name: str(value) for name, value in figures.items()}
    artifacts.write_json(path, {"step": step, **spelt, "examples": examples})
    raise JobError(
        f"loss {spelt['loss']} with gradient norm {spelt['norm']} at step {step}: training stopped,"
        f" its batch is in {path}; lower train.learning_rate, set train.clip_norm, or look at the"
        " batch"
    )


def _told(split: Split, row: int) -> dict:
    """An example's text and label; of a masked language model there are tokens alone."""
    if isinstance(split.labels, Asked):
        return {"ids": split.ids[row].tolist(), "next": int(split.labels.next[row])}
    label = None if split.labels is None else split.labels[row].tolist()
    return {"label": label, "text": split.texts[row][:LONGEST]}
