"""What an export holds, and that versions come whole, in order, and only when something changed."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from mlflow import MlflowClient
from tensorflow_serving.apis import prediction_log_pb2

from pipeline import artifacts, runs
from pipeline.errors import JobError
from pipeline.publishing.export import export
from pipeline.publishing.signatures import servable
from pipeline.publishing.verify import golden_requests, verify
from pipeline.tracking import link, store


def with_export(recipe, **settings):
    return recipe.model_copy(update={"export": recipe.export.model_copy(update=settings)})


def test_the_next_recipe_chooses_its_own_store(trained, export_dir, monkeypatch):
    """MLflow's own functions would leave this one's in the environment."""
    before = dict(os.environ)
    with store.by_default("sqlite:///elsewhere.db"):
        assert store.store_uri(trained.recipe) == "sqlite:///elsewhere.db"
    assert dict(os.environ) == before
    monkeypatch.setenv(store.VARIABLE, "sqlite:///mine.db")
    with store.by_default("sqlite:///elsewhere.db"):
        pass
    assert store.store_uri(trained.recipe) == "sqlite:///mine.db"


def test_it_answers_what_the_trained_model_answered(export_dir):
    assert verify(export_dir) <= 1e-5


def test_it_holds_all_that_a_user_needs(export_dir, trained):
    for name in (
        "saved_model.pb",
        "variables/variables.index",
        "assets.extra/tf_serving_warmup_requests",
        "recipe.yaml",
        "labels.json",
        "tokenizer",
        "MODEL_CARD.md",
        "ops.json",
        "golden_requests.jsonl",
    ):
        assert (export_dir / name).exists(), name
    facts = artifacts.manifest(export_dir)
    assert (facts["name"], facts["version"], facts["task"]) == ("tiny", 1, "classify")
    assert facts["mlflow_run_id"] == artifacts.read_json(trained.run_dir / "mlflow.json")["run_id"]
    assert artifacts.read_json(export_dir / "labels.json") == ["lost, card", "money"]
    ops = artifacts.read_json(export_dir / "ops.json")
    assert ops["ops"]["LookupTableFindV2"] == "2.12"
    assert ops["tf_serving"] == "2.12"


def test_the_record_beside_the_run_has_size_and_latency(export_dir, trained):
    record = artifacts.read_json(trained.run_dir / "export.json")
    assert record["export_dir"] == str(export_dir)
    size = sum(path.stat().st_size for path in export_dir.rglob("*") if path.is_file())
    assert record["bytes"] == size
    assert 0 < record["latency_ms_p50_batch_1"] < record["first_request_ms"]
    assert record["latency_ms_p50_batch_32"] > 0
    found = link.read(trained.run_dir)
    metrics = MlflowClient(found.uri).get_run(found.run_id).data.metrics
    assert metrics["export/bytes"] == size


def test_golden_requests_are_texts_of_the_test_split_and_hard_ones(export_dir, trained):
    texts = [request["text"] for request in golden_requests(export_dir)]
    assert len(texts) == len(set(texts))
    assert "" in texts
    assert max(map(len, texts)) > 10_000
    given = Path(trained.recipe.data.train[0]).read_text(encoding="utf-8")
    assert all(f'"{text}"' in given for text in texts[:5])


def test_the_card_says_what_the_evaluation_measured(trained, tmp_path):
    run_dir = tmp_path / "run"
    shutil.copytree(trained.run_dir, run_dir)
    metrics = {
        "accuracy": {"value": 0.75, "low": 0.61803, "high": 0.875, "n": 1234},
        "macro_f1": {"value": 1.0, "low": None, "high": None, "n": 20},
        "pearson": {"value": None, "low": None, "high": None, "n": 20},
    }
    with artifacts.publish(run_dir / "evaluation", "mark", {}) as folder:
        artifacts.write_json(folder / "metrics.json", metrics)
    recipe = trained.recipe.model_copy(update={"work": str(tmp_path)})
    card = (export(recipe, run_dir) / "MODEL_CARD.md").read_text()
    assert "| accuracy | 0.7500 | 0.6180 to 0.8750 | 1,234 |" in card
    assert "| macro_f1 | 1.0000 | no interval | 20 |" in card
    assert "| pearson | undefined | no interval | 20 |" in card
    assert "`lost, card`, `money`" in card
    prepared = artifacts.manifest(runs.load(trained.run_dir).prepared)
    assert prepared["fingerprint"] in card
    assert "1.5% of the records were left out, 1 of 65: 1 empty text." in card


def test_warm_up_requests_are_answered_by_the_model(export_dir):
    model = tf.saved_model.load(str(export_dir))
    path = export_dir / "assets.extra" / "tf_serving_warmup_requests"
    asked = []
    for record in tf.data.TFRecordDataset(str(path)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        signature = request.model_spec.signature_name
        answers = model.signatures[signature](**{k: tf.constant(v) for k, v in inputs.items()})
        asked.append((signature, len(answers["label"])))
        assert request.model_spec.name == "tiny"
    assert sorted(asked) == sorted((s, n) for s in ("ids", "serving_default") for n in (1, 8, 32))


def test_unchanged_means_no_new_version(export_dir, trained):
    before = (export_dir / artifacts.MANIFEST).stat().st_mtime_ns
    assert export(trained.recipe, trained.run_dir) == export_dir
    assert (export_dir / artifacts.MANIFEST).stat().st_mtime_ns == before


def test_a_change_makes_the_next_version_and_leaves_the_old_one(trained, tmp_path):
    recipe = trained.recipe.model_copy(update={"work": str(tmp_path), "name": "other"})
    first = export(recipe, trained.run_dir)
    second = export(with_export(recipe, top_k=1), trained.run_dir)
    assert [path.name for path in (first, second)] == ["1", "2"]
    assert verify(first) <= 1e-5
    assert verify(second) <= 1e-5
    assert len(golden_requests(second)[0]["outputs"]["labels"]) == 1
    assert sorted(path.name for path in first.parent.iterdir()) == ["1", "2"]
    config = (tmp_path / "models" / "models.config").read_text()
    labels = re.findall(r'key: "(\w+)"\s+value: (\d)', config)
    assert sorted(labels) == [("previous", "1"), ("stable", "2")]


def test_an_export_that_fails_leaves_no_version(trained, tmp_path):
    run_dir = tmp_path / "run"
    shutil.copytree(trained.run_dir, run_dir)
    (run_dir / "training" / runs.WEIGHTS).write_bytes(b"damaged")
    recipe = trained.recipe.model_copy(update={"work": str(tmp_path)})
    with pytest.raises(JobError, match="is not what its manifest says"):
        export(recipe, run_dir)
    assert not [p for p in (tmp_path / "models" / "tiny").iterdir() if p.name.isdecimal()]


def test_verify_finds_a_changed_file(export_dir, tmp_path):
    copy = shutil.copytree(export_dir, tmp_path / "copy")
    (copy / "labels.json").write_text('["money", "lost, card"]\n')
    with pytest.raises(JobError, match=r"labels\.json is not what its manifest says"):
        verify(copy)


def test_verify_finds_other_weights(export_dir, trained, tmp_path):
    """As if the export had been made from another checkpoint: every file whole, answers wrong."""
    loaded = runs.load(trained.run_dir)
    loaded.model.weights[0].assign(loaded.model.weights[0] + 1e-2)
    copy = tmp_path / "1"
    with artifacts.publish(copy, "x", {"precision": "float32"}) as folder:
        shutil.copytree(export_dir, folder, dirs_exist_ok=True)
        (folder / artifacts.MANIFEST).unlink()
        servable(loaded.tokenizer, loaded.model, loaded.labels, "classify", 5).save(folder)
    with pytest.raises(JobError, match="differ from the trained model's by up to"):
        verify(copy)


def test_golden_lines_are_json_objects(export_dir):
    with open(export_dir / "golden_requests.jsonl", encoding="utf-8") as file:
        for request in map(json.loads, file):
            assert sorted(request) == ["outputs", "text"]
            assert sum(request["outputs"]["probabilities"]) == pytest.approx(1.0)
