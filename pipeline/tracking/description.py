"""What a run says of its job at the beginning: recipe, data, code, versions."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from configs import loading
from configs.recipe import Recipe
from pipeline import artifacts, provenance
from pipeline.finding_runs import TRAINING
from pipeline.prepare import left_out
from pipeline.tracking.journal import Message
from pipeline.tracking.names import accepted


def description(recipe: Recipe, run_dir: Path, prepared: Path) -> Iterator[Message]:
    data = artifacts.manifest(prepared)
    yield {"tags": {**provenance.code(), **provenance.versions()}}
    yield {"params": accepted(provenance.flatten(recipe.model_dump(mode="json")))}
    yield {"text": loading.dump(recipe), "file": "recipe.yaml"}
    yield {"text": provenance.installed(), "file": "versions.txt"}
    yield from _of_data(data)
    source = {"name": recipe.name, "digest": data["fingerprint"], "source": recipe.data.train[0]}
    yield {"dataset": source}
    for report in sorted(prepared.glob("report.*")):
        place = os.path.relpath(report.resolve(), run_dir.resolve())
        yield {"artifact": place, "folder": "data"}


def result(run_dir: Path) -> Iterator[Message]:
    """What a job left that has no journal, because an earlier version trained it."""
    history, now = run_dir / TRAINING / "history.json", time.time_ns() // 1_000_000
    for row in artifacts.read_json(history):
        scores = {f"valid/{name}": v for name, v in row.items() if name not in ("step", "epoch")}
        yield {"metrics": accepted(scores), "step": row["step"], "time": now}
    if (run_dir / "evaluation").is_dir():
        yield {"artifact": "evaluation", "folder": "evaluation"}
    yield {"status": "FINISHED", "time": now}


def _of_data(data: dict[str, Any]) -> Iterator[Message]:
    dead = data["dead_letters"]
    counts = {f"examples/{split}": facts["examples"] for split, facts in data["splits"].items()}
    counts |= {f"dead_letters/{reason}": number for reason, number in dead.items()}
    unseen = data.get("unseen_labels", {}).get("splits", {})
    counts |= {f"unseen_labels/{split}": facts["examples"] for split, facts in unseen.items()}
    shares = {"left_out": left_out.share(data)}
    now = time.time_ns() // 1_000_000
    yield {"metrics": accepted(counts | shares), "step": 0, "time": now}
    # Names of metrics hold few characters, reasons all of them.
    reasons = "; ".join(f"{number:,}: {reason}" for reason, number in dead.items())
    tags = {"data.fingerprint": data["fingerprint"], "data.dead_letters": reasons or "none"}
    if told := left_out.sentence(data):
        tags["data.left_out"] = told
    yield {"tags": tags}
