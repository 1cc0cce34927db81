"""A trained run as a SavedModel that takes raw texts, in a versioned folder that servers watch."""

import json
import statistics
import time
from pathlib import Path

from configs import loading
from configs.recipe import Recipe
from configs.tasks import LanguageModel, MaskedLanguageModel, Span, Tag
from pipeline import artifacts, earlier_weights, finding_runs, members, runs, tracking
from pipeline.progress import log
from pipeline.publishing import saved_model, serving_ops
from pipeline.publishing.model_card import facts, model_card
from pipeline.publishing.serving_files import versions, write_serving_files
from pipeline.publishing.verify import GOLDEN, TOLERANCES, columns, golden_requests
from pipeline.tracking import registry

CLEAR = 30  # golden tags are better than all others by so many tolerances
RECORD = "export.json"  # in the run's folder: where the export is, how big and how fast


def export(recipe: Recipe, run_dir: Path) -> Path:
    """Publish the run's model as the next version of `work/models/NAME`, unless it is the newest.

    Returns:
        The version's folder. `run_dir/export.json` says where it is, its size and its latency.

    Raises:
        JobError: the run has not finished training, the server lacks an op that the model needs,
            or the tracking store takes no model.
    """
    models = Path(recipe.work) / "models"
    mark = _mark(recipe, run_dir)
    newest = max(versions(models / recipe.name), default=0)
    export_dir = models / recipe.name / str(newest)
    if artifacts.finished(export_dir, mark):
        log.info("export: %s is unchanged", export_dir)
    else:
        export_dir = export_dir.with_name(str(newest + 1))
        manifest = facts(recipe, run_dir, newest + 1)
        with artifacts.publish(export_dir, mark, manifest) as unfinished:
            manifest["signatures"] = _write(unfinished, recipe, run_dir, newest + 1)
    write_serving_files(models)
    record = run_dir / RECORD
    if not record.is_file() or artifacts.read_json(record)["export_dir"] != str(export_dir):
        measured = _measure(export_dir)
        with tracking.reopen(run_dir) as run:
            run.metrics(0, {f"export/{name}": value for name, value in measured.items()})
        registry.log_model(recipe, run_dir, export_dir)
        place = {"export_dir": str(export_dir), "version": int(export_dir.name)}
        artifacts.write_json(record, {**place, **measured})
    return export_dir


def _mark(recipe: Recipe, run_dir: Path) -> str:
    """What an export is made of: a trained run, its metrics for the card, and its own settings."""
    metrics = run_dir / "evaluation" / "metrics.json"
    return artifacts.fingerprint(
        artifacts.manifest(run_dir / runs.TRAINING)["files"],
        artifacts.checksum(metrics) if metrics.is_file() else None,
        recipe.export.model_dump(mode="json"),
    )


def _write(folder: Path, recipe: Recipe, run_dir: Path, version: int) -> list[str]:
    """Fill the version's folder. Returns the names of its signatures."""
    from pipeline import data
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

    trained = runs.load(run_dir)
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
        served = servable(tokenizer, model, labels, task.kind, recipe.export.top_k, pair)
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
        requests = golden.answers(examples, inputs, model, labels, task.kind, recipe.export.top_k)
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
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")
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
