"""MiniLM-L6, fine-tuned, beside a text CNN and a BiLSTM that start from nothing but word vectors.

    python benchmarks/minilm.py TASK [--seeds 1,2,3] [--variants ...]

Each task is `textmill learning-curve` of its *_bert.yaml recipe at all labels: the same splits, the
same test texts, paired tests. The weights come first (see the recipe), and the vectors of
benchmarks/glove.py. Jobs that are done are not done again.
"""

import argparse

from variants import learning_curve

RECIPES = {
    "banking77": "classify/banking77_bert.yaml",
    "trec": "classify/trec_bert.yaml",
    "sst2": "classify/sst2_bert.yaml",
    "cola": "classify/cola_bert.yaml",
    "rte": "pair/rte_bert.yaml",
    "stsb": "pair/stsb_bert.yaml",
    "wnut17": "tag/wnut17_bert.yaml",
}
VECTORS = "kind: nonstatic, width: 50, path: work/glove50.npz"
WORDS = "text.tokenizer={kind: word, vectors: work/glove50.npz}"
EPOCHS = {"sst2": 6}
OWN = ("init_from=null", "train.optimizer={kind: adam}", "train.schedule={kind: constant}")
TEXT_CNN = (f"model={{kind: text_cnn, embedding: {{{VECTORS}}}}}",)
BILSTM = (
    f"model={{kind: lstm, embedding: {{{VECTORS}}}, units: 128, pooling: {{kind: attention}}}}",
    "train.clip_norm=5.0",
)
# Names need capitals, characters and words that are unknown while it learns, see its recipe.
BILSTM_CRF = (
    f"model={{kind: lstm, embedding: {{{VECTORS}, characters: {{}}}}, units: 128}}",
    "text.lower=false",
    "text.strip_accents=false",
    "text.tokenizer={kind: word, min_count: 2, vectors: work/glove50.npz, fold: true}",
    "train.batch_size=16",
    "train.clip_norm=5.0",
)


def variants(task: str) -> dict[str, tuple[str, ...]]:
    """By name, what each changes of the recipe."""
    epochs = f"train.epochs={EPOCHS.get(task, 20)}"
    own = (*OWN, "train.learning_rate=0.001", epochs, "train.early_stopping={patience: 4}")
    if task == "wnut17":
        return {"minilm": (), "bilstm": (*own, *BILSTM_CRF)}
    own = (*own, WORDS)
    return {"minilm": (), "text-cnn": (*own, *TEXT_CNN), "bilstm": (*own, *BILSTM)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=RECIPES)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--variants", nargs="+", help="all, if none is named")
    chosen = parser.parse_args()
    there = variants(chosen.task)
    named = {name: there[name] for name in chosen.variants or there}
    out = "-".join((f"work/minilm/{chosen.task}", *(chosen.variants or ())))
    learning_curve(RECIPES[chosen.task], named, out, "--sizes", "all", "--seeds", chosen.seeds)


if __name__ == "__main__":
    main()
