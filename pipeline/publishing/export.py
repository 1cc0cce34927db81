"""A trained run as a SavedModel that takes raw texts, in a versioned folder that servers watch."""

import json
import statistics
import time
from pathlib import Path

from configs import loading
from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Tag
from pipeline import artifacts, earlier_weights, finding_runs, locks, members, runs, tracking
from pipeline.progress import log
from pipeline.publishing import champion, saved_model, serving_ops
from pipeline.publishing.model_card import facts, model_card
from pipeline.publishing.serving_files import versions, write_serving_files
from pipeline.publishing.verify import GOLDEN, TOLERANCES, columns, golden_requests
from pipeline.tracking import link, registry
from pipeline.tracking.store import StoreError

CLEAR = 30  # golden tags are better than all others by so many tolerances
RECORD = "export.json"  # in the run's folder: where the export is, how big, how fast, registered


def export(recipe: Recipe, run_dir: Path) -> Path:
    """Publish the run's model as the next version of `work/models/NAME`, unless it is the newest.

    Returns:
        The version's folder. `run_dir/export.json` says where it is, its size, its latency, and
        what became of it in the registry.

    Raises:
        JobError: the run has not finished training, the server lacks an op that the model needs,
            or the tracking store takes no model.
    """
    models = Path(recipe.work) / "models"
    with locks.alone(models / recipe.name):  # for no two to take the same number
        return _export(recipe, run_dir, models)


def _export(recipe: Recipe, run_dir: Path, models: Path) -> Path:
    decision = None
    mark = _mark(recipe, run_dir)
    newest = max(versions(models / recipe.name), default=0)
    export_dir = models / recipe.name / str(newest)
    if artifacts.finished(export_dir, mark):
        log.info("export: %s is unchanged", export_dir)
    else:
        export_dir = export_dir.with_name(str(newest + 1))
        manifest = facts(recipe, run_dir, newest + 1)
        decision = _decision(recipe, run_dir)
        with artifacts.publish(export_dir, mark, manifest) as unfinished:
            manifest["signatures"] = _write(unfinished, recipe, run_dir, newest + 1, decision)
    write_serving_files(models)
    _register(recipe, run_dir, export_dir, decision)
    return export_dir


def _decision(recipe: Recipe, run_dir: Path) -> champion.Decision | None:
    """None where the store does not answer, so that it is made when the model is registered."""
    try:
        return champion.decide(recipe, run_dir)
    except StoreError:
        return None


def _register(
    recipe: Recipe, run_dir: Path, export_dir: Path, decision: champion.Decision | None
) -> None:
    """Register the export, and settle who is champion, unless both was done already.

    The first is done anew in another MLflow run, the second where `tracking.promote` has changed.
    Where the store does not answer, the next call does both. Args: decision, if it was made.
    """
    path = run_dir / RECORD
    record = artifacts.read_json(path, "export_dir") if path.is_file() else {}
    if record.get("export_dir") != str(export_dir):
        measured = _measure(export_dir)
        with tracking.reopen(recipe, run_dir) as run:
            run.metrics(0, {f"export/{name}": value for name, value in measured.items()})
        place = {"export_dir": str(export_dir), "version": int(export_dir.name)}
        record = {**place, "mlflow_run_id": None, **measured}
        artifacts.write_json(path, record)
    linked = link.read(run_dir)
    try:
        # Records of earlier versions do not say in which run.
        if linked and record.get("mlflow_run_id", linked.run_id) != linked.run_id:
            version = registry.log_model(recipe, run_dir, export_dir)
            record |= {"registered": version, "mlflow_run_id": linked.run_id, "champion": {}}
            artifacts.write_json(path, record)
        settled = record.get("champion", {}).get("promote")
        if "registered" in record and settled != recipe.tracking.promote:
            decision = decision or champion.decide(recipe, run_dir)
            found = champion.settle(recipe, run_dir, record["registered"], decision)
            artifacts.write_json(path, {**record, "champion": found})
    except StoreError as error:
        log.warning("%s. The model is registered when this command runs again", error)


def _mark(recipe: Recipe, run_dir: Path) -> str:
    """What an export is made of: a trained run, its metrics for the card, and its own settings."""
    metrics = run_dir / "evaluation" / "metrics.json"
    if metrics.is_file():
        artifacts.check(metrics.parent, metrics.name)
    return artifacts.fingerprint(
        artifacts.manifest(run_dir / runs.TRAINING)["files"],
        artifacts.checksum(metrics) if metrics.is_file() else None,
        recipe.export.model_dump(mode="json"),
    )


def _write(
    folder: Path, recipe: Recipe, run_dir: Path, version: int, decision: champion.Decision | None
) -> list[str]:
    """Fill the version's folder. Returns the names of its signatures."""
    from pipeline import data
    from pipeline.evaluation import chosen_thresholds
    from pipeline.publishing import golden, warm_up
    from pipeline.publishing.golden_language import language_answers, next_answers
    from pipeline.publishing.golden_masked import masked_answers, masked_texts
    from pipeline.publishing.golden_spans import span_answers_to
    from pipeline.publishing.golden_tags import tag_answers
    from pipeline.publishing.language_signatures import language_servable
    from pipeline.publishing.masked_signatures import masked_servable
    from pipeline.publishing.signatures import servable
    from pipeline.publishing.span_signatures import span_servable
    from pipeline.publishing.tag_signatures import tag_servable

    trained, thresholds = runs.load(run_dir), None
    tokenizer, model, labels, task = trained.tokenizer, trained.model, trained.labels, recipe.task
    if isinstance(task, Tag):
        served = tag_servable(tokenizer, model, labels, task)
    elif isinstance(task, Span):
        served = span_servable(tokenizer, model, task, recipe.export.top_k)
    elif isinstance(task, LanguageModel):
        served = language_servable(tokenizer, model, task, recipe.backward, recipe.export.top_k)
    elif isinstance(task, MaskedLanguageModel):
        served = masked_servable(tokenizer, model, recipe.export.top_k)
    else:
        pair = bool(getattr(task, "second", None))
        chosen = chosen_thresholds.of_run(trained, run_dir)
        served = servable(tokenizer, model, labels, task.kind, recipe.export.top_k, pair, chosen)
        if chosen is not None:
            thresholds = dict(zip(labels, chosen.tolist(), strict=True))
            artifacts.write_json(folder / finding_runs.THRESHOLDS, thresholds)
    served.save(folder)
    artifacts.write_json(folder / "ops.json", serving_ops.report(folder))

    prepared = finding_runs.prepared(run_dir)
    splits = artifacts.manifest(prepared)["splits"]
    split = next(name for name in ("test", "valid", "train") if name in splits)
    inputs, number = served.inputs, recipe.export.golden
    if isinstance(task, MaskedLanguageModel):
        examples = masked_texts(prepared, split, task, tokenizer, number)
    else:
        found = data.load(prepared, split, trained.recipe, len(labels))
        examples = list(zip(*[found.texts, found.second_texts][: len(inputs.texts)], strict=True))
    examples = golden.choose(examples, number, len(inputs.texts))
    clear = CLEAR * TOLERANCES[recipe.train.precision]
    if isinstance(task, Tag):
        requests = tag_answers(examples, inputs, model, labels, task, clear)
    elif isinstance(task, Span):
        top_k = recipe.export.top_k
        requests = span_answers_to(examples, tokenizer, model, task, top_k, clear)
    elif isinstance(task, LanguageModel):
        requests = language_answers(examples, inputs, model, task, recipe.backward)
        if "next" in served.functions:
            requests += next_answers(examples, tokenizer, model, task, recipe.export.top_k)
    elif isinstance(task, MaskedLanguageModel):
        requests = masked_answers(examples, tokenizer, model, recipe.export.top_k)
    else:
        top_k = recipe.export.top_k
        requests = golden.answers(examples, inputs, model, labels, task.kind, top_k, thresholds)
    lines = [json.dumps(request, ensure_ascii=False) + "\n" for request in requests]
    (folder / GOLDEN).write_text("".join(lines), encoding="utf-8")
    warm_up.write(folder, recipe.name, served.functions, examples, inputs)

    # The variables of a SavedModel have no names but their places.
    artifacts.write_json(folder / earlier_weights.PATHS, [weight.path for weight in model.weights])
    tokenizer.save(folder / "tokenizer")
    artifacts.write_json(folder / "labels.json", labels)
    (folder / "recipe.yaml").write_text(loading.dump(recipe), encoding="utf-8")
    members.copy(run_dir / runs.TRAINING, folder)
    signatures = list(served.functions)
    card = model_card(recipe, run_dir, prepared, labels, version, inputs, signatures)
    words = decision.words if decision else "MLflow did not answer, and knows no champion"
    standing = f"\n## Where it stands\n\nWhen it was exported: {words}.\n"
    (folder / "MODEL_CARD.md").write_text(card + standing, encoding="utf-8")
    return signatures


def _measure(export_dir: Path) -> dict[str, float]:
    """Size on disk, and milliseconds of the first request and of later ones, in this process."""
    examples = list(zip(*columns(golden_requests(export_dir)), strict=True))
    answer = saved_model.load(export_dir)

    def milliseconds(number: int, start: int) -> float:
        batch = [examples[(start + i) % len(examples)] for i in range(number)]
        began = time.perf_counter()
        answer(*zip(*batch, strict=True))
        return 1000 * (time.perf_counter() - began)

    cold = milliseconds(1, 0)
    return {
        "bytes": sum(path.stat().st_size for path in export_dir.rglob("*") if path.is_file()),
        "first_request_ms": cold,
        "latency_ms_p50_batch_1": statistics.median(milliseconds(1, i) for i in range(100)),
        "latency_ms_p50_batch_32": statistics.median(milliseconds(32, i) for i in range(20)),
    }
