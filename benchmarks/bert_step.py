"""Examples a second of a step of BERT's pretraining, against transformers' BertForPreTraining.

    python benchmarks/bert_step.py [--rounds 3] [--cases mini ...] [--precisions ...]

Peer: `python3.11 -m venv .venv-peers && .venv-peers/bin/pip install -r requirements-peers.txt`.

A step is a whole one: random tokens in, the losses of the masks and of pairs, all gradients,
clipping by their norm, AdamW. Ours is the step that `textmill train` takes. The peer comes twice:
as it is shipped, where every token is multiplied by the vocabulary, and with the masked places
gathered before, as ours has them. Each side runs in processes of its own, one after the other, in
turns, on one thread of one core, and what counts is that thread's processor time, which a busy
machine falsifies least. Printed is the median of the processes' medians.
"""

import statistics
import sys

import taking_turns
from own_step import stepper

PEER = [str(taking_turns.PEER), "benchmarks/peers/transformers_bert.py"]
SIDES = {
    "textmill": [sys.executable, __file__],
    "gathered": [*PEER, "--gathered"],
    "shipped": PEER,
}
CASES = {
    "mini": {"layers": 4, "width": 256, "vocabulary": 30_522, "batch": 32, "length": 128},
    "small": {"layers": 4, "width": 512, "vocabulary": 30_522, "batch": 32, "length": 128},
    "tiny": {"layers": 2, "width": 128, "vocabulary": 500, "batch": 4, "length": 16},
}
RECIPE = """
name: step
data: {{train: none}}
text: {{max_length: {length}}}
task: {{kind: masked_language_model}}
model: {{kind: bert, layers: {layers}, width: {width}}}
train:
  batch_size: {batch}
  clip_norm: 1.0
  learning_rate: 0.0001
  optimizer: {{kind: adam, weight_decay: 0.01}}
  precision: {precision}
"""


def random_batch(vocabulary, batch, length):
    """NumPy arrays as `pipeline.pretraining` makes them, of full rows: 15% of the tokens masked."""
    import numpy as np

    random = np.random.default_rng(0)
    masks = round(0.15 * length)
    places = np.sort([random.choice(length, masks, replace=False) for _ in range(batch)])
    whole = {
        "ids": random.integers(5, vocabulary, (batch, length)),
        "types": np.tile(np.arange(length) >= length // 2, (batch, 1)),
        "places": places,
        "targets": random.integers(5, vocabulary, places.shape),
        "next": random.integers(0, 2, batch),
    }
    weights = {"weight": np.ones(batch), "token_weight": np.full(batch, 1 / masks)}
    return {n: x.astype(np.int32) for n, x in whole.items()} | {
        n: x.astype(np.float32) for n, x in weights.items()
    }


def our_step(precision, vocabulary, batch, length, **sizes):
    """The function that takes a step."""
    text = RECIPE.format(precision=precision, batch=batch, length=length, **sizes)
    return stepper(text, vocabulary, 1, random_batch(vocabulary, batch, length))


def run_side(make_step) -> None:
    """Measure and print how many examples a second each does, see `taking_turns.throughput`."""
    taking_turns.throughput(make_step, CASES, lambda case: case["batch"])


def main() -> None:
    arguments = taking_turns.arguments(__file__, CASES, ["mini"])
    print("| model | precision | textmill examples/s | transformers, gathered | as shipped |")
    print("|---|---|---|---|---|")
    for precision in arguments.precisions:
        rounds = taking_turns.rounds(arguments.rounds, SIDES, precision, *arguments.cases)
        for case in arguments.cases:
            own = statistics.median(r["textmill"][case] for r in rounds)
            cells = [f"{own:,.1f}"]
            for side in ("gathered", "shipped"):
                middle = statistics.median(r[side][case] for r in rounds)
                ratios = [r["textmill"][case] / r[side][case] for r in rounds]
                cells.append(f"{middle:,.1f}, ours {taking_turns.spread(ratios)} times as fast")
            print(f"| {case} | {precision} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    taking_turns.start(main, lambda: run_side(our_step))
