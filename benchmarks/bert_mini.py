"""What pretraining buys a BERT-mini, and what its question about pairs of texts is worth.

    textmill train configs/language_model/novels_imdb_bert_mini.yaml
    textmill train configs/language_model/novels_imdb_bert_mini.yaml \\
        --set task.pairs=none --set name=novels-imdb-bert-mini-no-pairs
    python benchmarks/bert_mini.py TASK [--sizes ...] [--seeds 1,2,3]

Each task is `textmill learning-curve` of one recipe from three starts: random weights, those of
masked tokens and pairs, those of masked tokens only. Vocabulary, texts and settings are the same;
what starts from random weights has four times the epochs, for it has more to learn.
"""

import argparse
import subprocess
import sys
from pathlib import Path

START = "work/runs/novels-imdb-bert-mini"
MINI = (
    f"text.tokenizer={{kind: wordpiece, vocabulary: {START}}}",
    "text.strip_accents=false",
    "text.drop_controls=false",
    "model={kind: bert, size: mini, positions: 128}",
    "train.learning_rate=0.0002",
    "train.precision=mixed_bfloat16",
)
TASKS = {
    "sst2": ("classify/sst2_bert.yaml", MINI, 2),
    "sick": ("pair/sick_bert.yaml", MINI, 10),
    "imdb": ("classify/imdb_bert.yaml", ("data.valid=null",), 3),
}
STARTS = {"scratch": "null", "pretrained": START, "no-pairs": f"{START}-no-pairs"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--sizes", default="all")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--starts", nargs="+", default=list(STARTS), choices=STARTS)
    chosen = parser.parse_args()
    recipe, settings, epochs = TASKS[chosen.task]
    command = [Path(sys.executable).with_name("textmill"), "learning-curve", f"configs/{recipe}"]
    command += ["--sizes", chosen.sizes, "--seeds", chosen.seeds]
    for start in chosen.starts:
        passes = epochs * (4 if start == "scratch" else 1)
        own = ",".join((f"init_from={STARTS[start]}", *settings, f"train.epochs={passes}"))
        command += ["--variant", f"{start}:{own}"]
    command += ["--out", f"work/bert_mini/{chosen.task}"]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
