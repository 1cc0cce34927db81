"""Words or pieces, where a share of the texts is written without spaces: accuracy of a text CNN.

    python benchmarks/texts_without_spaces.py [--sets trec mr] [--shares 0 10 30 50 100]

English stands for a script without spaces: texts lose theirs. To the word tokenizer each of their
characters is a word then, as one of Thai or Han is; to SentencePiece they are runs of letters.
Reads trec/ and mr/ of the folder TEXTMILL_DATA (default ../shared/data). Every result goes to
`work/without_spaces.jsonl` at once, and a job whose result is there is not run again.
"""

import argparse
import csv
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from configs.loading import load
from pipeline import data, predictions, runs
from pipeline.prepare import prepare
from pipeline.training.train import train

DATA = Path(os.environ.get("TEXTMILL_DATA", "../shared/data"))
WORK = Path("work/without_spaces")
RESULTS = Path("work/without_spaces.jsonl")
TOKENIZERS = {"words": "{kind: word}", "pieces": "{kind: sentencepiece, size: 4000}"}
HELD_OUT = 2_000  # of MR, which has no test file


def rows(name: str) -> dict[str, list[list[str]]]:
    """Rows of text and label, by split."""
    if not (DATA / name).is_dir():
        raise SystemExit(f"no {name}/ in {DATA}: set TEXTMILL_DATA to the folder that has it")

    def read(file: str) -> list[list[str]]:
        text = (DATA / name / file).read_text(encoding="utf-8")
        return list(csv.reader(text.split("\n")[1:], delimiter="\t", quoting=csv.QUOTE_NONE))

    if name != "mr":
        return {"train": read("train.tsv"), "test": read("test.tsv")}
    every = [row for row in read("all.tsv") if row]
    order = np.random.default_rng(0).permutation(len(every))
    cut = {"test": order[:HELD_OUT], "train": order[HELD_OUT:]}
    return {split: [every[i] for i in places] for split, places in cut.items()}


def accuracy(name: str, share: int, tokenizer: str) -> float:
    draw, settings = np.random.default_rng(share), []
    parted = " " if tokenizer == "words" else ""
    for split, found in rows(name).items():
        path = WORK / f"{name}-{share}-{tokenizer}-{split}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for text, label in filter(None, found):
                if 100 * draw.random() < share:
                    text = parted.join(text.replace(" ", ""))
                file.write(json.dumps({"text": text, "label": label}) + "\n")
        settings.append(f"data.{split}={path}")
    settings += [f"text.tokenizer={TOKENIZERS[tokenizer]}", "text.max_length=192", f"work={WORK}"]
    recipe = load(f"configs/classify/{name}_text_cnn.yaml", settings)
    prepared = prepare(recipe)
    trained = runs.load(train(recipe, prepared))
    split = data.load(prepared, "test", recipe, len(trained.labels))
    predicted = predictions.logits(trained.model, split).argmax(axis=1)
    return 100 * float(np.mean(predicted == split.labels))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", nargs="+", default=["trec", "mr"])
    parser.add_argument("--shares", nargs="+", type=int, default=[0, 10, 30, 50, 100])
    given = parser.parse_args()
    done: dict[tuple[str, int, str], float] = {}
    if RESULTS.exists():
        for line in RESULTS.read_text().splitlines():
            one = json.loads(line)
            done[one["set"], one["share"], one["tokenizer"]] = one["accuracy"]
    print("| data | share without spaces | words | pieces |\n|---|---|---|---|", flush=True)
    for name in given.sets:
        for share in given.shares:
            for tokenizer in TOKENIZERS:
                if (name, share, tokenizer) not in done:
                    found = accuracy(name, share, tokenizer)
                    done[name, share, tokenizer] = found
                    line = {"set": name, "share": share, "tokenizer": tokenizer, "accuracy": found}
                    with RESULTS.open("a") as file:
                        file.write(json.dumps(line) + "\n")
            words, pieces = (done[name, share, tokenizer] for tokenizer in TOKENIZERS)
            print(f"| {name} | {share}% | {words:.1f} | {pieces:.1f} |", flush=True)


if __name__ == "__main__":
    main()
