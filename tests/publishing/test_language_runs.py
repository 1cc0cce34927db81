"""Language models of one direction by the real stages: lines in, an export out, asked."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from running_server import running

from configs.recipe import Recipe
from pipeline import artifacts
from pipeline.evaluation.evaluate import evaluate
from pipeline.prepare import prepare
from pipeline.publishing import saved_model
from pipeline.publishing.export import export
from pipeline.publishing.predict import predict
from pipeline.publishing.verify import golden_requests, verify
from pipeline.training.train import train

pytestmark = pytest.mark.slow

LINES = ["my card is lost", "where is my card ?", "pay the card", "the card is here"]


@pytest.fixture(scope="module", params=["forward", "backward"])
def job(request, tmp_path_factory):
    """(recipe, run_dir, export_dir) of a running text, each line of which is a record."""
    folder = tmp_path_factory.mktemp(request.param)
    for name, number in (("train", 12), ("test", 3)):
        lines = [f"{line}\n" for line in LINES * number]
        (folder / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
    recipe = Recipe.model_validate(
        {
            "name": request.param,
            "work": str(folder / "work"),
            "data": {name: str(folder / f"{name}.txt") for name in ("train", "test")}
            | {"valid": None},
            "text": {"max_length": 20, "tokenizer": {"kind": "word", "split": "whitespace"}},
            "task": {"kind": "language_model", "carry": "stream"},
            "model": {
                "kind": "awd_lstm",
                "width": 8,
                "units": 8,
                "layers": 2,
                "dropouts": {"scale": 0.2},
                "backward": request.param == "backward",
            },
            "train": {"epochs": 3, "batch_size": 4, "window": 10, "learning_rate": 0.02},
            "evaluate": {"resamples": 200},
            "export": {"golden": 5, "top_k": 3},
        }
    )
    prepared = prepare(recipe)
    run_dir = train(recipe, prepared)
    evaluate(recipe, prepared, run_dir)
    return recipe, run_dir, export(recipe, run_dir)


def test_it_answers_what_the_trained_model_answered(job):
    recipe, _, exported = job
    assert verify(exported) <= 1e-5
    signatures = ["serving_default"] if recipe.backward else ["serving_default", "next"]
    assert artifacts.manifest(exported)["signatures"] == signatures
    asked = {request.get("signature", "serving_default") for request in golden_requests(exported)}
    assert asked == set(signatures)


def test_what_it_says_of_itself(job):
    recipe, run_dir, exported = job
    card = (exported / "MODEL_CARD.md").read_text(encoding="utf-8")
    page = (run_dir / "evaluation" / "report.html").read_text(encoding="utf-8")
    if recipe.backward:
        assert "An awd_lstm that tells how likely a text is, trained" in card
        assert "read from its last token to its first" in card
        assert "`next`" not in card
        assert "from those behind it" in page
    else:
        assert "tells how likely a text is and what comes next" in card
        assert "The signature `next` takes the same and answers `tokens`" in card
        assert "as if another had just ended" in card
        assert "from those before it" in page
    assert "both" not in card + page
    words = sum(len(line.split()) + 1 for line in LINES * 3)
    assert f"documents of {words} words" in page


def test_files_are_answered_row_by_row(job, tmp_path):
    _, _, exported = job
    rows = [{"text": line, "n": i} for i, line in enumerate([*LINES, "card lost the ?"])]
    (tmp_path / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert predict(exported, [str(tmp_path / "new.jsonl")], tmp_path / "out")["predicted"] == 5
    got = pd.read_json(tmp_path / "out" / "00000-new.jsonl", lines=True)
    wanted = saved_model.load(exported)([row["text"] for row in rows])["perplexity"]
    assert got["predicted_perplexity"].tolist() == pytest.approx(wanted.tolist(), rel=1e-5)
    assert got["n"].tolist() == [0, 1, 2, 3, 4]
    assert wanted[4] > wanted[:4].max()  # no line begins like it


def test_a_server_answers_the_same(job, tmp_path):
    _, _, exported = job
    with running(tmp_path, exported) as server:
        command = [sys.executable, "-m", "serving.verify", exported, "--url", server.rest]
        done = subprocess.run(
            [*command, "--grpc", server.grpc], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
