"""Whether a new model becomes the registry's champion, the version that the alias stands for.

With `tracking.promote: if_not_worse` it does unless a baseline beats it, or the champion does in a
paired test on the test examples that both were measured on. The champion's answers are those that
its run has in the store. Where the two tests share less than half of the new model's examples, they
are too different to tell, and the champion stays.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from configs.recipe import Recipe
from pipeline import tracking
from pipeline.errors import JobError
from pipeline.evaluation import compare, paired, verdict
from pipeline.evaluation.compared import Compared, from_folder, from_store
from pipeline.progress import log
from pipeline.tracking import registry
from pipeline.tracking.store import explained

LEAST_SHARED = 0.5  # of the new model's test examples


@dataclass(frozen=True)
class Decision:
    """Whether the alias moves to the new model, by which `tracking.promote`, and why."""

    moves: bool
    promote: str
    words: str


def decide(recipe: Recipe, run_dir: Path) -> Decision:
    """What becomes of a run's model when it is registered.

    Raises:
        JobError: the store does not answer.
    """
    promote, alias = recipe.tracking.promote, recipe.tracking.alias
    with tracking.reopen(recipe, run_dir) as run, explained(run.uri):
        present = registry.aliased(run.client, recipe)
        if promote == "if_not_worse":
            moves, why = _compare(run, run_dir, present)
        else:
            moves, why = promote == "always", f"tracking.promote is {promote}"
    stays = f"version {present.version} stays {alias}" if present else f"no version is {alias}"
    instead = f" in place of version {present.version}" if present else ""
    becomes = f"this model becomes {alias}{instead}"
    return Decision(moves, promote, f"{becomes if moves else stays}: {why}")


def _compare(run: tracking.Run, run_dir: Path, present: Any) -> tuple[bool, str]:
    """Whether the alias moves, and why. Args: present, the version that it stands for, or None."""
    against = verdict.of_run(run_dir)
    if against and against["verdict"] == "worse":
        return False, against["words"]
    if present is None or present.run_id == run.id:
        return True, "it is the first" if present is None else "it is the same, exported anew"
    try:
        (champion,) = from_store([present.run_id], None, run.uri)
        return not_worse(from_folder(run_dir), champion)
    except JobError as error:
        return False, f"the two cannot be compared ({error})"


def not_worse(ours: Compared, champion: Compared) -> tuple[bool, str]:
    """Whether ours is not significantly worse than the champion, in words too.

    Raises:
        JobError: they have different tasks, or words to choose from.
    """
    shared = [
        example
        for example in ours.predictions.index.intersection(champion.predictions.index)
        if _same_label(ours, champion, example)
    ]
    if len(shared) < max(1, LEAST_SHARED * len(ours.predictions)):
        return False, (
            f"its test data are others: {len(shared):,} of this model's {len(ours.predictions):,}"
            f" test {ours.units} are among the champion's {len(champion.predictions):,}, too few to"
            " compare them; to move it all the same, set tracking.promote to always"
        )
    ours, champion = (
        replace(each, predictions=each.predictions.loc[shared]) for each in (ours, champion)
    )
    compare.check([ours, champion])
    found = compare.test(ours, champion)
    tested = f"on the {len(shared):,} test {ours.units} that both have"
    if paired.verdict(found) == "worse":
        behind = verdict.ahead(ours.report, paired.turned(found))
        return False, f"this model is worse by {behind}, {tested}"
    how = "better" if paired.verdict(found) == "better" else "not significantly worse"
    return True, f"it is {how}, ahead by {verdict.ahead(ours.report, found)}, {tested}"


def _same_label(ours: Compared, champion: Compared, example: str) -> bool:
    """Language models have no labels."""
    tables = ours.predictions, champion.predictions
    if not all("label" in table for table in tables):
        return True
    return np.array_equal(*(table.label[example] for table in tables))


def settle(recipe: Recipe, run_dir: Path, version: str, decision: Decision) -> dict[str, Any]:
    """Move the alias to a registered version, or do not, and say so on it.

    Returns what the run's record keeps of it.

    Raises:
        JobError: the store does not answer.
    """
    against = verdict.of_run(run_dir)
    tags = {"champion": decision.words, **({"verdict": against["words"]} if against else {})}
    with tracking.reopen(recipe, run_dir) as run:
        registry.describe(run, recipe, version, tags, champion=decision.moves)
    log.info("export: version %s of the registry: %s", version, decision.words)
    return asdict(decision)
