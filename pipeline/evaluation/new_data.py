"""How good a trained model is on new labelled data: a run's, or an export's by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs import loading
from configs.loading import RecipeError
from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Task
from pipeline import artifacts, data, earlier_weights, finding_runs, runs, tasks
from pipeline.errors import JobError
from pipeline.evaluation import evaluate, verdict
from pipeline.evaluation.measured import Measured
from pipeline.prepare import left_out, new_data, unseen_labels
from pipeline.prepare.checks import text_columns
from pipeline.tracking import evaluations

FOLDER = "evaluations"  # in the work folder
RECIPE = "recipe.yaml"
FIXED = ("model", "text", "train", "seed")  # what a trained model is not to be asked with otherwise
NO_RUN = (
    "What the model learned from is not here, so it is compared with no baseline, and nothing is"
    " said of what is new to it."
)
QUALIFYING = ("left_out", "unseen", "known")  # sentences of the report, where there are any


@dataclass(frozen=True)
class Model:
    """A trained model on disk. `stage` holds its recipe, `words` its tokenizer and labels; `run` is
    the run that trained it, if that is there.
    """

    folder: Path
    export: bool
    stage: Path
    words: Path
    run: Path | None

    def load(self) -> runs.Trained:
        return runs.load_export(self.folder) if self.export else runs.load(self.folder)


def find(address: str) -> Model:
    """
    Raises:
        JobError: there is no run and no export of textmill's.
    """
    folder = earlier_weights.on_disk(address)
    if earlier_weights.is_of_others(folder):
        raise JobError(
            f"{folder} holds weights of another library: name a run's or an export's folder"
        )
    if run := finding_runs.found(folder):
        return Model(run, False, run / runs.TRAINING, finding_runs.prepared(run), run)
    artifacts.check(folder, "tokenizer/", "labels.json", RECIPE)
    trained_by = finding_runs.found(artifacts.manifest(folder)["run_dir"])
    return Model(folder, True, folder, folder, trained_by)


def asked(
    model: Model, files: Sequence[str], columns: Sequence[str], label: str | None, sets: list[str]
) -> Recipe:
    """The model's recipe with the new files as its test files.

    Raises:
        RecipeError: a setting would change the model, or the columns are not as many as it reads.
    """
    path = model.stage / RECIPE
    learned, recipe = loading.load(path), loading.load(path, sets)
    for name in FIXED:
        if getattr(learned, name) != getattr(recipe, name):
            raise RecipeError(f"--set {name}: the model is trained already; leave it out")
    changed: dict[str, Any] = {
        "data": recipe.data.model_copy(update={"test": tuple(files)}),
        "task": _reading(recipe.task, columns, label),
    }
    if model.run and recipe.work == learned.work:
        changed["work"] = str(model.run.parent.parent)
    return recipe.model_copy(update=changed)


def _reading(task: Task, columns: Sequence[str], label: str | None) -> Task:
    """The task with the columns of the new files."""
    fields = ("question", "context") if isinstance(task, Span) else ("text", "second")
    learned = text_columns(task)
    if columns and len(columns) != len(learned):
        raise RecipeError(
            f"--column: the model reads {len(learned)} column(s), {', '.join(learned)} in training;"
            f" got {', '.join(columns)}"
        )
    changed = dict(zip(fields, columns, strict=False))
    if label is not None:
        if isinstance(task, LanguageModel | MaskedLanguageModel):
            raise RecipeError("--label: a language model learns no label: leave it out")
        changed["answers" if isinstance(task, Span) else "label"] = label
    return task.model_copy(update=changed)


def score(model: Model, recipe: Recipe, output: Path | None) -> dict[str, Any]:
    """Measure the model on the files of `data.test`, and log that as an MLflow run of its own.

    Args: output, the folder to write; one in the work folder if not said.

    Returns:
        "metrics", "verdict" against the baselines or None, "notes", sentences that qualify them,
        "output", and "mlflow_run_id", None where the store did not take it: it is logged when the
        same is asked again.

    Raises:
        JobError: the model or the files cannot be read, or too many rows cannot be used.
    """
    names = artifacts.read_json(model.words / "labels.json")
    prepared = new_data.prepare(recipe, model.words / "tokenizer", names)
    mark = artifacts.fingerprint(
        earlier_weights.content(model.folder),
        bool(model.run),
        artifacts.manifest(prepared)["fingerprint"],
        recipe.model_dump(mode="json", include={"evaluate", "task"}),
    )
    folder = output or Path(recipe.work, FOLDER, f"{recipe.name}-{mark[:8]}")
    if folder.exists() and not _is_ours(folder):
        raise JobError(f"{folder} is there and holds no evaluation: name a folder of its own")
    with artifacts.to_make(folder, mark) as needed:
        if needed:
            with artifacts.publish(folder, mark, {"evaluated": str(model.folder)}) as out:
                (out / RECIPE).write_text(loading.dump(recipe), encoding="utf-8")
                evaluate.write(*_report(model, recipe, prepared), out)
    artifacts.check(folder)
    report = artifacts.read_json(folder / evaluate.REPORT)
    trained_by = artifacts.manifest(model.stage).get("mlflow_run_id")
    facts = {evaluations.EVALUATED: str(model.folder), "files": _files(recipe)}
    logged = evaluations.log_evaluation(recipe, folder, trained_by, facts, evaluate.flat(report))
    return {
        "metrics": report["metrics"],
        "verdict": verdict.verdict(report),
        "notes": [*report["notes"], *filter(None, (report[name] for name in QUALIFYING))],
        "output": str(folder),
        "mlflow_run_id": logged,
    }


def _is_ours(folder: Path) -> bool:
    path = folder / artifacts.MANIFEST
    return path.is_file() and "evaluated" in artifacts.read_json(path)


def _files(recipe: Recipe) -> str:
    assert isinstance(recipe.data.test, tuple)
    return ", ".join(recipe.data.test)


def _report(model: Model, recipe: Recipe, prepared: Path) -> tuple[dict[str, Any], Measured]:
    trained, manifest = model.load(), artifacts.manifest(prepared)
    whole = runs.whole(recipe)
    measured = evaluate.measure(whole, trained, prepared, new_data.SPLIT)
    notes = [f"Measured on {_files(recipe)}."]
    if trained.prepared is None:
        notes.append(NO_RUN)
    training = artifacts.manifest(model.run / runs.TRAINING) if model.run else {}
    report = {
        "name": recipe.name,
        "model": recipe.model.kind,
        "run": model.run.name if model.run else str(model.folder),
        "data": manifest["fingerprint"],
        "left_out": left_out.sentence(manifest),
        "task": recipe.task.kind,
        "score": tasks.deciding_score(recipe.task, None),
        "split": new_data.SPLIT,
        "resamples": recipe.evaluate.resamples,
        "unseen": unseen_labels.sentences(prepared).get(new_data.SPLIT),
        "known": _already_known(whole, trained, prepared),
        "notes": notes,
        "parameters": int(sum(np.prod(weight.shape) for weight in trained.model.weights)),
        "seconds": training.get("seconds"),
        **measured.findings,
        "history": [],
    }
    return report, measured


def _already_known(recipe: Recipe, trained: runs.Trained, prepared: Path) -> str:
    """A sentence, where the model learned from some of the examples that it is measured on."""
    if trained.prepared is None or isinstance(recipe.task, MaskedLanguageModel):
        return ""  # of the latter the examples are drawn from documents
    train, split = (
        data.load(folder, name, recipe, len(trained.labels))
        for folder, name in ((trained.prepared, "train"), (prepared, new_data.SPLIT))
    )
    known = set(_examples(train))
    number = sum(example in known for example in _examples(split))
    if not number:
        return ""
    return (
        f"{number:,} of the {len(split):,} examples also stand in the training data: the model"
        " learned from these, so that its figures look better than they are."
    )


def _examples(split: data.Split) -> list[tuple[str, ...]]:
    return list(zip(split.texts, split.second_texts or split.texts, strict=True))
