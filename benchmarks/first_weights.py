"""How soon a small BERT begins to look at context, by how its weights start.

    python benchmarks/first_weights.py [--steps 3000] [--deviations scaled 0.02]
        [--positions sinusoids random]

Each start is a BERT-mini that learns to name hidden tokens as in
configs/language_model/novels_imdb_bert_mini.yaml, of the same batches but without pairs. Printed is
the loss of hidden tokens, the mean over the 500 steps before. Word frequencies alone have 6.8.
"""

import argparse
from itertools import islice, product

import numpy as np
import own_step

RECIPE = "configs/language_model/novels_imdb_bert_mini.yaml"
EVERY = 500  # steps between the figures


def step_and_batches():
    """The step that `textmill train` takes, and what it learns from."""
    from configs import loading
    from pipeline.training import examples

    recipe = loading.load(RECIPE, ["task.pairs=none"])
    vocabulary, _, split = own_step.prepared(recipe)
    batches = examples.batches(recipe, split, 1)
    steps = sum(batches.steps)
    return own_step.step_of(recipe, vocabulary, 1, batches.signature, steps), batches


def start(model, deviation: str, positions: str) -> None:
    """Give a new model other first weights than its own."""
    from components.multi_head_attention import first_deviation

    width = model.get_layer("embeddings").width
    random, own = np.random.default_rng(0), first_deviation(width)
    for weight in model.trainable_variables:
        if weight.path.endswith("embeddings/positions") and positions == "random":
            weight.assign(random.normal(0.0, own, weight.shape))
        if len(weight.shape) == 2 and deviation != "scaled":
            weight.assign(weight * (float(deviation) / own))


def losses(deviation: str, positions: str, steps: int):
    """The mean loss of each `EVERY` steps."""
    step, batches = step_and_batches()
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
    asked = parser.parse_args()
    ends = range(EVERY, asked.steps + 1, EVERY)
    print(f"| deviation | positions | {' | '.join(f'{end:,}' for end in ends)} |")
    print("|---" * (2 + len(ends)) + "|")
    for deviation, positions in product(asked.deviations, asked.positions):
        print(f"| {deviation} | {positions} |", end="", flush=True)
        for loss in losses(deviation, positions, asked.steps):
            print(f" {loss:.2f} |", end="", flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
