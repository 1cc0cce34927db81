"""How soon a small BERT begins to look at context, by how its weights start.

    python benchmarks/first_weights.py [--steps 3000] [--deviations scaled 0.02]
        [--positions sinusoids random] [--lengths 128]

Each start is a BERT-mini that learns to name hidden tokens as in
configs/language_model/novels_imdb_bert_mini.yaml, of the same batches but without pairs, in
4,096 tokens a step. Printed is the loss of hidden tokens, the mean over the 500 steps before.
Word frequencies alone have 6.7.
"""

import argparse
from itertools import islice, product

import numpy as np

RECIPE = "configs/language_model/novels_imdb_bert_mini.yaml"
EVERY, TOKENS = 500, 4096


def step_and_batches(length: int):
    """The step that `textmill train` takes, and what it learns from."""
    from own_step import step_of

    from configs import loading
    from pipeline.prepare import prepare
    from pipeline.text import tokenizers
    from pipeline.training import examples

    own = ["task.pairs=none", f"text.max_length={length}", f"train.batch_size={TOKENS // length}"]
    recipe = loading.load(RECIPE, own)
    prepared = prepare(recipe)
    batches = examples.batches(recipe, examples.load(recipe, prepared, [])["train"], 1)
    vocabulary = tokenizers.load(prepared / "tokenizer").vocabulary
    return step_of(recipe, vocabulary, 1, batches.signature, sum(batches.steps)), batches


def start(model, deviation: str, positions: str) -> None:
    """Give a new model other first weights than its own."""
    from components.multi_head_attention import first_deviation

    random, own = np.random.default_rng(0), first_deviation(256)
    for weight in model.trainable_variables:
        if weight.path.endswith("embeddings/positions") and positions == "random":
            weight.assign(random.normal(0.0, own, weight.shape))
        if len(weight.shape) == 2 and deviation != "scaled":
            weight.assign(weight * (float(deviation) / own))


def losses(deviation: str, positions: str, length: int, steps: int):
    step, batches = step_and_batches(length)
    start(step.model, deviation, positions)
    since = []
    for number, batch in enumerate(islice(batches.epoch(0, 0), steps), start=1):
        answer = step(batch.tensors, number - 1, False)
        since.append(float(answer["loss"]) / float(answer["weight"]))
        if number % EVERY == 0:
            yield np.mean(since)
            since.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--deviations", nargs="+", default=["scaled", "0.02"])
    parser.add_argument("--positions", nargs="+", default=["sinusoids", "random"])
    parser.add_argument("--lengths", type=int, nargs="+", default=[128])
    asked = parser.parse_args()
    ends = range(EVERY, asked.steps + 1, EVERY)
    print(f"| deviation | positions | tokens a row | {' | '.join(f'{end:,}' for end in ends)} |")
    print("|---" * (3 + len(ends)) + "|")
    for deviation, positions, length in product(asked.deviations, asked.positions, asked.lengths):
        print(f"| {deviation} | {positions} | {length} |", end="", flush=True)
        for loss in losses(deviation, positions, length, asked.steps):
            print(f" {loss:.2f} |", end="", flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
