"""What pretraining buys a BERT-mini, and what its question about pairs of texts is worth.

    textmill train configs/language_model/novels_imdb_bert_mini.yaml
    textmill train configs/language_model/novels_imdb_bert_mini.yaml \\
        --set task.pairs=none --set name=novels-imdb-bert-mini-no-pairs
    python benchmarks/bert_mini.py TASK [--size 5000] [--seeds 1,2,3]

Each task is `textmill learning-curve` of one recipe from three starts: random weights, those of
masked tokens and pairs, those of masked tokens only. Vocabulary, texts and settings are the same;
what starts from random weights has twice the epochs, for it has more to learn; the best epoch
on the development set counts.
"""

import argparse

from variants import learning_curve

START = "work/runs/novels-imdb-bert-mini"
MINI = (
    f"text.tokenizer={{kind: wordpiece, vocabulary: {START}}}",
    "text.strip_accents=false",
    "text.drop_controls=false",
    "model={kind: bert, size: mini, positions: 128}",
    "train.learning_rate=0.0002",
    "train.precision=mixed_bfloat16",
)
# By task the recipe, settings, and by number of labels the epochs.
TASKS = {
    "sst2": ("classify/sst2_bert.yaml", MINI, {"5000": 6, "all": 2}),
    "sick": ("pair/sick_bert.yaml", MINI, {"all": 10}),
    "imdb": ("classify/imdb_bert.yaml", ("data.valid=null",), {"5000": 4, "all": 3}),
}
STARTS = {"scratch": "null", "pretrained": START, "no-pairs": f"{START}-no-pairs"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--size", default="all", help="5000, of sst2 and imdb")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--starts", nargs="+", default=list(STARTS), choices=STARTS)
    chosen = parser.parse_args()
    recipe, settings, epochs = TASKS[chosen.task]
    if chosen.size not in epochs:
        parser.error(f"--size: {chosen.task} has {', '.join(epochs)}")
    named = {}
    for start in chosen.starts:
        passes = epochs[chosen.size] * (2 if start == "scratch" else 1)
        named[start] = (f"init_from={STARTS[start]}", *settings, f"train.epochs={passes}")
    out = f"work/bert_mini/{chosen.task}-{chosen.size}"
    learning_curve(recipe, named, out, "--sizes", chosen.size, "--seeds", chosen.seeds)


if __name__ == "__main__":
    main()
