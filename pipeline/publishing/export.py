"""A trained run as a SavedModel that takes raw texts, in a versioned folder that servers watch."""

import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs import loading
from configs.recipe import Recipe
from pipeline import artifacts, runs, tracking
from pipeline.progress import log
from pipeline.publishing import saved_model, serving_ops
from pipeline.publishing.model_card import facts, model_card
from pipeline.publishing.serving_files import versions, write_serving_files
from pipeline.publishing.verify import GOLDEN, golden_requests

RECORD = "export.json"  # in the run's folder: where the export is, how big and how fast
WARM_UP_BATCHES = (1, 8, 32)


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
            _write(unfinished, recipe, run_dir, newest + 1)
    write_serving_files(models)
    record = run_dir / RECORD
    if not record.is_file() or artifacts.read_json(record)["export_dir"] != str(export_dir):
        measured = _measure(export_dir)
        with tracking.reopen(run_dir) as run:
            run.metrics(0, {f"export/{name}": value for name, value in measured.items()})
        tracking.log_model(recipe, run_dir, export_dir)
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


def _write(folder: Path, recipe: Recipe, run_dir: Path, version: int) -> None:
    from pipeline import data
    from pipeline.publishing import golden
    from pipeline.publishing.signatures import Servable

    trained = runs.load(run_dir)
    tokenizer, labels, task = trained.tokenizer, trained.labels, recipe.task
    servable = Servable(tokenizer, trained.model, labels, task.kind, recipe.export.top_k)
    servable.save(folder)
    artifacts.write_json(folder / "ops.json", serving_ops.report(folder))

    splits = artifacts.manifest(trained.prepared)["splits"]
    split = next(name for name in ("test", "valid", "train") if name in splits)
    texts = data.load(trained.prepared, split, recipe, len(labels)).texts
    texts = golden.choose(texts, recipe.export.golden)
    requests = golden.answers(
        texts, tokenizer, trained.model, labels, task.kind, recipe.export.top_k
    )
    lines = [json.dumps(request, ensure_ascii=False) + "\n" for request in requests]
    (folder / GOLDEN).write_text("".join(lines), encoding="utf-8")
    _write_warm_up(folder, recipe.name, texts, tokenizer)

    tokenizer.save(folder / "tokenizer")
    artifacts.write_json(folder / "labels.json", labels)
    (folder / "recipe.yaml").write_text(loading.dump(recipe), encoding="utf-8")
    card = model_card(recipe, run_dir, trained.prepared, labels, version)
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def _write_warm_up(folder: Path, name: str, texts: Sequence[str], tokenizer: Any) -> None:
    """Requests that TF Serving answers before it calls a version available.

    Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup
    """
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    (folder / "assets.extra").mkdir()
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in WARM_UP_BATCHES:
            text = tf.constant([texts[i % len(texts)] for i in range(size)])
            ids = tokenizer.ids(text).to_tensor(0)
            for signature, inputs in (("serving_default", {"text": text}), ("ids", {"ids": ids})):
                request = predict_pb2.PredictRequest()
                request.model_spec.name = name
                request.model_spec.signature_name = signature
                for key, value in inputs.items():
                    request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
                log = prediction_log_pb2.PredictionLog()
                log.predict_log.request.CopyFrom(request)
                writer.write(log.SerializeToString())


def _measure(export_dir: Path) -> dict[str, float]:
    """Size on disk, and milliseconds of the first request and of later ones, in this process."""
    texts = [request["text"] for request in golden_requests(export_dir)]
    answer = saved_model.load(export_dir)

    def milliseconds(number: int, start: int) -> float:
        batch = [texts[(start + i) % len(texts)] for i in range(number)]
        began = time.perf_counter()
        answer(batch)
        return 1000 * (time.perf_counter() - began)

    cold = milliseconds(1, 0)
    return {
        "bytes": sum(path.stat().st_size for path in export_dir.rglob("*") if path.is_file()),
        "first_request_ms": cold,
        "latency_ms_p50_batch_1": statistics.median(milliseconds(1, i) for i in range(100)),
        "latency_ms_p50_batch_32": statistics.median(milliseconds(32, i) for i in range(20)),
    }
