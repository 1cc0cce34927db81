"""Words a second of a training step of the AWD-LSTM language model, against fastai's.

    python benchmarks/awd_lstm_step.py [--rounds 3] [--cases published ...] [--precisions ...]

Peer: `python3.11 -m venv .venv-peers && .venv-peers/bin/pip install -r requirements-peers.txt`.

A step is a whole one: random words in, losses of a tied full softmax, both penalties, all
gradients, clipping by their norm, Adam; the dropouts are the published ones for the Penn Treebank.
Ours is the step that `textmill train` takes. Each side runs in processes of its own, one after the
other, in turns, on one thread of one core, and what counts is that thread's processor time, which a
busy machine falsifies least. Printed is the median of the processes' medians.
"""

import sys

import taking_turns
from own_step import stepper

SIDES = {
    "textmill": [sys.executable, __file__],
    "fastai": [str(taking_turns.PEER), "benchmarks/peers/fastai_awd_lstm.py"],
}
SIZES = {"width": 400, "vocabulary": 10_000, "window": 70}
CASES = {
    "published": {**SIZES, "units": 1150, "layers": 3, "batch": 40},
    "published_64": {**SIZES, "units": 1150, "layers": 3, "batch": 64},
    "ptb_recipe": {**SIZES, "units": 800, "layers": 2, "batch": 40},
    "tiny": {"width": 20, "vocabulary": 50, "window": 9, "units": 30, "layers": 2, "batch": 4},
}
RECIPE = """
name: step
data: {{train: none}}
task: {{kind: language_model, carry: stream}}
model: {{kind: awd_lstm, width: {width}, units: {units}, layers: {layers}}}
train: {{batch_size: {batch}, window: {window}, clip_norm: 0.25, precision: {precision}}}
"""


def our_step(precision, vocabulary, batch, window, **sizes):
    """The function that takes a step."""
    import numpy as np

    words = np.random.default_rng(0).integers(5, vocabulary, batch * window + 1).astype(np.int32)
    shown = {
        "ids": words[:-1].reshape(batch, window),
        "targets": words[1:].reshape(batch, window),
        "fresh": np.zeros((batch, window), bool),
        "weight": np.full(batch, window, np.float32),
    }
    text = RECIPE.format(precision=precision, batch=batch, window=window, **sizes)
    return stepper(text, vocabulary, vocabulary, shown)


def run_side(make_step) -> None:
    """Measure and print how many words each does a second, see `taking_turns.throughput`."""
    taking_turns.throughput(make_step, CASES, lambda case: case["batch"] * case["window"])


def main() -> None:
    arguments = taking_turns.arguments(__file__, CASES, ["published", "ptb_recipe"])
    print("| model | precision | textmill words/s | fastai words/s | textmill / fastai |")
    print("|---|---|---|---|---|")
    taking_turns.compare(SIDES, arguments)


if __name__ == "__main__":
    taking_turns.start(main, lambda: run_side(our_step))
