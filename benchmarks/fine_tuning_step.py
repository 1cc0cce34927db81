"""Examples a second of a step that fine-tunes BERT, against transformers.

    python benchmarks/fine_tuning_step.py [--rounds 3] [--cases minilm ...] [--precisions ...]

Peer: `python3.11 -m venv .venv-peers && .venv-peers/bin/pip install -r requirements-peers.txt`,
BertForSequenceClassification, with PyTorch's fused AdamW.

A step is a whole one: full rows of random tokens in, the loss of two labels, all gradients,
clipping by their norm, AdamW, dropout as published. Ours is the step that `textmill train` takes.
Each side runs in processes of its own, one after the other, in turns, on one thread of one core,
and what counts is that thread's processor time, which a busy machine falsifies least. Printed is
the median of the processes' medians.
"""

import sys

import taking_turns
from own_step import stepper

SIDES = {
    "textmill": [sys.executable, __file__],
    "transformers": [str(taking_turns.PEER), "benchmarks/peers/transformers_fine_tuning.py"],
}
MINILM = {"layers": 6, "width": 384, "heads": 12, "vocabulary": 30_522, "batch": 32}
CASES = {
    "minilm": {**MINILM, "length": 64},
    "minilm_128": {**MINILM, "length": 128},
    "tiny": {"layers": 2, "width": 32, "heads": 2, "vocabulary": 500, "batch": 4, "length": 16},
}
LABELS = 2
RECIPE = """
name: step
data: {{train: none}}
text: {{max_length: {length}}}
task: {{kind: classify}}
model: {{kind: bert, layers: {layers}, width: {width}, heads: {heads}}}
train:
  batch_size: {batch}
  clip_norm: 1.0
  learning_rate: 0.00005
  optimizer: {{kind: adam, weight_decay: 0.01}}
  precision: {precision}
"""


def random_batch(vocabulary, batch, length):
    """NumPy arrays as `pipeline.batching` makes them, of full rows."""
    import numpy as np

    random = np.random.default_rng(0)
    return {
        "ids": random.integers(5, vocabulary, (batch, length), np.int32),
        "types": np.zeros((batch, length), np.int32),
        "label": random.integers(0, LABELS, batch),
        "weight": np.ones(batch, np.float32),
    }


def our_step(precision, vocabulary, batch, length, **sizes):
    """The function that takes a step."""
    text = RECIPE.format(precision=precision, batch=batch, length=length, **sizes)
    return stepper(text, vocabulary, LABELS, random_batch(vocabulary, batch, length))


def run_side(make_step) -> None:
    """Measure and print how many examples a second each does, see `taking_turns.throughput`."""
    taking_turns.throughput(make_step, CASES, lambda case: case["batch"])


def main() -> None:
    arguments = taking_turns.arguments(__file__, CASES, ["minilm", "minilm_128"])
    print("| model | precision | textmill examples/s | transformers | textmill / transformers |")
    print("|---|---|---|---|---|")
    taking_turns.compare(SIDES, arguments, decimals=1)


if __name__ == "__main__":
    taking_turns.start(main, lambda: run_side(our_step))
