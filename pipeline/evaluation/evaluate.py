"""How good a trained model is, how sure that is, and where it is wrong: figures, tables, a page."""

import logging
import time
from pathlib import Path
from typing import Any

from configs.loading import RecipeError
from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Tag
from pipeline import artifacts, data, predictions, runs, tasks, tracking
from pipeline.errors import JobError
from pipeline.evaluation import (
    chosen_thresholds,
    documents,
    documents_page,
    evaluation_page,
    masked,
    masked_page,
    pictures,
    span_split,
    tagged_split,
)
from pipeline.evaluation.case import Case
from pipeline.evaluation.findings import confusion_matrix, findings
from pipeline.evaluation.intervals import Estimate, spell
from pipeline.evaluation.judge import judge, table, with_unseen
from pipeline.evaluation.measured import Measured
from pipeline.page import svg
from pipeline.prepare import left_out, unseen_labels

EVALUATION = "evaluation"  # the published stage's folder in the run's
METRICS, REPORT, PREDICTIONS = "metrics.json", "report.json", "predictions.parquet"
PAGES = {"language_model": documents_page, "masked_language_model": masked_page}

log = logging.getLogger("textmill")


def evaluate(recipe: Recipe, prepared: Path, run_dir: Path) -> dict[str, Estimate]:
    """Measure a trained run on the test split, or on the validation split if there is no other.

    Writes `run_dir/evaluation` and logs it to the run, unless that was done with the same settings.
    Returns {"value", "low", "high", "n"} for each metric of the task.

    Raises:
        JobError: the run has not finished training, there is no split to measure on, or the
            tracking store does not answer.
        RecipeError: `evaluate.slices` names a column that `data.columns` does not.
    """
    folder = run_dir / EVALUATION
    training = artifacts.manifest(run_dir / runs.TRAINING)
    settings = recipe.evaluate.model_dump(mode="json")
    # Prepared data of the same fingerprint did not have these rows before.
    unseen = artifacts.manifest(prepared).get("unseen_labels")
    made_from = [
        training["fingerprint"],
        training["files"],
        settings,
        *([unseen] if unseen else []),
    ]
    mark = artifacts.fingerprint(*made_from)
    with artifacts.to_make(folder, mark) as needed:
        if needed:
            _evaluate(recipe, prepared, run_dir, mark)
        else:
            log.info("evaluate: %s is unchanged", folder)
    artifacts.check(folder, METRICS)
    return artifacts.read_json(folder / METRICS)


def _evaluate(recipe: Recipe, prepared: Path, run_dir: Path, mark: str) -> None:
    if unknown := set(recipe.evaluate.slices) - set(recipe.data.columns):
        raise RecipeError(
            f"evaluate.slices: {', '.join(sorted(unknown))} is not in data.columns, which has"
            f" {', '.join(recipe.data.columns) or 'none'}"
        )
    start = time.monotonic()
    folder, training = run_dir / EVALUATION, artifacts.manifest(run_dir / runs.TRAINING)
    name, manifest = split_to_measure_on(prepared), artifacts.manifest(prepared)
    facts = {"split": name, "resamples": recipe.evaluate.resamples}
    with (
        tracking.reopen(recipe, run_dir) as run,
        artifacts.publish(folder, mark, facts) as out,
    ):
        measured = measure(runs.whole(recipe), runs.load(run_dir), prepared, name)
        report = {
            "name": recipe.name,
            "model": recipe.model.kind,
            "run": run_dir.name,
            "data": manifest["fingerprint"],
            "left_out": left_out.sentence(manifest),
            "task": recipe.task.kind,
            "score": tasks.deciding_score(recipe.task, None),
            **facts,
            "unseen": unseen_labels.sentences(prepared).get(name),
            **{key: training[key] for key in ("parameters", "seconds", "best_step")},
            **measured.findings,
            "history": artifacts.read_json(run_dir / runs.TRAINING / "history.json"),
        }
        write(report, measured, out)
        run.metrics(0, flat(report))
        run.artifact(folder, EVALUATION)
    found = spell(report["metrics"][report["score"]])
    seconds = time.monotonic() - start
    log.info("evaluate: %s %s on %s, %.0f s", report["score"], found, name, seconds)


def split_to_measure_on(prepared: Path) -> str:
    splits = artifacts.manifest(prepared)["splits"]
    for name in ("test", "valid"):
        if name in splits and splits[name]["examples"]:
            return name
    raise JobError(f"{prepared} has no test and no validation split: set data.test or data.valid")


def measure(recipe: Recipe, trained: runs.Trained, prepared: Path, name: str) -> Measured:
    """Let the model answer the split, and say how good the answers are."""
    if isinstance(recipe.task, Tag):
        return tagged_split.measure(recipe, recipe.task, trained, prepared, name)
    if isinstance(recipe.task, Span):
        return span_split.measure(recipe, recipe.task, trained, prepared, name)
    if isinstance(recipe.task, LanguageModel):
        return documents.measure(recipe, recipe.task, trained, prepared, name)
    if isinstance(recipe.task, MaskedLanguageModel):
        return masked.measure(recipe, recipe.task, trained, prepared, name)
    case = open_case(recipe, trained, prepared, name)
    found = findings(case)
    return Measured(found, table(case.split, case.answers), draw(found, case))


def open_case(recipe: Recipe, trained: runs.Trained, prepared: Path, name: str) -> Case:
    number, task = len(trained.labels), recipe.task
    # Which an ensemble's recipe does not tell.
    sequences = "types" in trained.model.input
    split = data.load(prepared, name, recipe, number, recipe.evaluate.slices, sequences)
    logits = with_unseen(predictions.logits(trained.model, split), split)
    valid = chosen_thresholds.valid_split(recipe, trained)
    thresholds = chosen_thresholds.of_split(chosen_thresholds.chosen(recipe, trained, valid), split)
    answers = judge(task, [*trained.labels, *split.unseen], split.labels, logits, thresholds)
    learned = trained.prepared
    train = data.load(learned, "train", recipe, number) if learned else None
    return Case(recipe, trained, train, split, logits, answers, thresholds, valid)


def draw(found: dict[str, Any], case: Case) -> dict[str, Any]:
    """The figures that this task has, by name."""
    drawn, counted = {}, found.get("counted", "texts")
    if case.recipe.task.kind == "classify":
        predicted = case.logits.argmax(axis=1)
        matrix = confusion_matrix(case.split.labels, predicted, case.logits.shape[1])
        drawn["confusion"] = pictures.confusion(matrix, case.names)
        drawn |= pictures.calibration(found["calibration"], counted)
    if case.recipe.task.kind == "multilabel":
        drawn["precision_recall"] = pictures.precision_recall(found)
    if case.recipe.task.kind == "regress":
        drawn["scatter"] = pictures.scatter(case.split.labels, case.logits[:, 0])
        drawn["errors"] = pictures.errors(case.split.labels, case.logits[:, 0], counted)
    for entry in found["attention"]:
        if "picture" in entry:
            first, second = pictures.alignments(entry)
            drawn |= {entry["picture"]: first, f"{entry['picture']}_second": second}
    return drawn


def write(report: dict[str, Any], measured: Measured, out: Path) -> None:
    """Everything that others read: metrics, report, predictions, page and pictures."""
    artifacts.write_json(out / METRICS, report["metrics"])
    artifacts.write_json(out / REPORT, report)
    measured.predictions.to_parquet(out / PREDICTIONS, index=False)
    score, drawn = report["score"], dict(measured.pictures)
    if "slices" in report:
        drawn["slices"] = pictures.slices(report["slices"], report["metrics"][score], score)
    if report["history"]:
        drawn |= pictures.learning(report["history"], score, report["best_step"])
    (out / "pictures").mkdir()
    for name, figure in drawn.items():
        (out / "pictures" / f"{name}.svg").write_text(svg(figure), encoding="utf-8")
    page = PAGES.get(report["task"], evaluation_page)
    (out / "report.html").write_text(page.write(report, drawn), encoding="utf-8")


def flat(report: dict[str, Any]) -> dict[str, float]:
    """The report's figures under the names that they have in MLflow."""
    split = report["split"]
    found = {f"{split}/{name}": estimate for name, estimate in report["metrics"].items()}
    for entry in report.get("baselines", []):
        for name, estimate in entry["metrics"].items():
            found[f"{split}/{entry['baseline']}_baseline/{name}"] = estimate
    return {
        f"{name}{suffix}": estimate[key]
        for name, estimate in found.items()
        for key, suffix in (("value", ""), ("low", "/low"), ("high", "/high"))
        if estimate[key] is not None
    }
