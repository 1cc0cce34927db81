"""What recipes reach on their test sets: the mean over seeds, each run's interval, and the time.

    python benchmarks/recipes.py [RECIPE...] [--seeds 1 2 3] [--set KEY=VALUE ...] [--metric NAME]

Without recipes: those whose results stand in benchmarks/results.md. Every job is the recipe as
`textmill evaluate` runs it. Each result goes to `work/recipes.jsonl` at once, and a job whose
result is there is not run again.
"""

import argparse
import json
import os
import statistics
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from configs.loading import load
from pipeline import artifacts, tasks
from pipeline.evaluation.evaluate import evaluate
from pipeline.prepare import prepare
from pipeline.training.train import train

RESULTS = Path("work/recipes.jsonl")
RECIPES = [
    "configs/classify/banking77_bilstm_attention.yaml",
    "configs/classify/sst2_bilstm_attention.yaml",
    "configs/tag/wnut17_bilstm_crf.yaml",
    "configs/tag/ud_ewt_bilstm.yaml",
    "configs/pair/sick_lstm.yaml",
]


def result(path: str, settings: list[str]) -> dict:
    """Train and evaluate a recipe: its metrics, and the seconds that training took."""
    recipe = load(path, settings)
    prepared = prepare(recipe)
    run_dir = train(recipe, prepared)
    metrics = evaluate(recipe, prepared, run_dir)
    facts = artifacts.manifest(run_dir / "training")
    score = tasks.deciding_score(recipe.task, None)
    chosen = {key: facts[key] for key in ("seconds", "parameters", "best_step")}
    return {"run": run_dir.name, "score": score, "metrics": metrics, **chosen}


def row(path: str, metric: str | None, found: list[dict]) -> str:
    """One line of the table."""
    name = metric or found[0]["score"]
    estimates = [entry["metrics"][name] for entry in found]
    values = [estimate["value"] for estimate in estimates]
    each = ", ".join(f"{e['value']:.4f} ({e['low']:.4f} to {e['high']:.4f})" for e in estimates)
    seconds = statistics.mean(entry["seconds"] for entry in found)
    return (
        f"| {Path(path).stem} | {name} | {statistics.mean(values):.4f} | {each} |"
        f" {found[0]['parameters']:,} | {seconds:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--metric")
    chosen = parser.parse_args()
    known = {}
    if RESULTS.is_file():
        lines = RESULTS.read_text(encoding="utf-8").splitlines()
        known = {tuple(entry["job"]): entry for entry in map(json.loads, lines)}
    print("| recipe | metric | mean | each seed (95% interval) | parameters | training, s |")
    print("|---|---|---:|---|---:|---:|")
    for path in chosen.recipes:
        found = []
        for seed in chosen.seeds:
            job = (path, *sorted(chosen.settings), f"seed={seed}")
            if job not in known:
                known[job] = {"job": job, **result(path, [*chosen.settings, f"seed={seed}"])}
                RESULTS.parent.mkdir(exist_ok=True)
                with open(RESULTS, "a", encoding="utf-8") as file:
                    file.write(json.dumps(known[job]) + "\n")
            found.append(known[job])
        print(row(path, chosen.metric, found), flush=True)


if __name__ == "__main__":
    main()
