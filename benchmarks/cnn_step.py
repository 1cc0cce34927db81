"""Milliseconds of one training step of Kim's CNN, against plain PyTorch.

    python benchmarks/cnn_step.py [--rounds 5] [--threads 2]

Peers: `python3.11 -m venv .venv-peers && .venv-peers/bin/pip install -r requirements-peers.txt`.

64 texts of 40 to 50 words from the shipped novels, vocabulary 20,000, vectors of 300, widths 3, 4
and 5 with 100 filters each, dropout, Adam. Each side steps through the same batches in
processes of its own, one after the other, in turns; textmill's is the step that `textmill train`
takes. What is printed is the median over the rounds of each process's median. With one thread it is
the processor's time that counts, which a busy machine does not falsify; threads that wait for each
other on one make PyTorch many times slower.
"""

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import taking_turns

BATCHES, BATCH, LENGTH, VOCABULARY, WARM_UP, STEPS = 20, 64, 50, 20_000, 10, 60
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
SIDES = {
    "textmill": [sys.executable, __file__],
    "PyTorch": [str(taking_turns.PEER), "benchmarks/peers/kim_cnn.py"],
    "PyTorch, fused Adam": [str(taking_turns.PEER), "benchmarks/peers/kim_cnn.py", "--fused"],
}


def make_batches(path: Path) -> None:
    """Texts from random places in the novels; ids by frequency, 0 is padding."""
    novels = sorted(Path("samples/novels").glob("*.txt"))
    words = re.findall(
        r"\w+|[^\w\s]", " ".join(p.read_text(encoding="utf-8") for p in novels).lower()
    )
    spellings, ids, counts = np.unique(words, return_inverse=True, return_counts=True)
    rank = np.empty(len(spellings), np.int32)
    rank[np.argsort(-counts, kind="stable")] = np.arange(1, len(spellings) + 1)
    stream = np.where(rank[ids] < VOCABULARY, rank[ids], 1)
    random = np.random.default_rng(0)
    starts = random.integers(0, len(stream) - LENGTH, (BATCHES, BATCH))
    lengths = random.integers(40, LENGTH + 1, (BATCHES, BATCH))
    places = np.arange(LENGTH)
    texts = stream[starts[..., None] + places] * (places < lengths[..., None])
    np.savez(path, ids=texts.astype(np.int32), labels=random.integers(0, 2, (BATCHES, BATCH)))


def our_step(precision: str):
    """The function that takes step number n on a batch."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    from configs.loading import parse
    from pipeline import build, tasks
    from pipeline.training import distribute
    from pipeline.training.step import Step

    recipe = parse(
        "{name: step, data: {train: none}, task: {kind: classify}, model: {kind: text_cnn}}",
        [f"train.precision={precision}", "train.strategy={kind: one_device}"],
    )
    signature = {
        "ids": tf.TensorSpec([None, None], tf.int32),
        "label": tf.TensorSpec([None], tf.int64),
        "weight": tf.TensorSpec([None], tf.float32),
    }
    strategy = distribute.strategy(recipe.train.strategy)
    with strategy.scope():
        model = build.build_model(recipe, [str(n) for n in range(VOCABULARY)], 2)
        optimizer = build.build_optimizer(recipe.train, 1000, [model.trainable_variables])
    loss = tasks.loss_function(recipe.task)
    step = Step(model, optimizer, loss, strategy, recipe.train, recipe.seed, signature)
    weight = tf.ones([BATCH])

    def take(n, ids, labels):
        batch = {"ids": tf.constant(ids), "label": tf.constant(labels), "weight": weight}
        return float(step(batch, n, False)["loss"])

    return take


def times(take, path: str) -> list[float]:
    """Milliseconds of each step after the first few."""
    with np.load(path) as arrays:
        ids, labels = arrays["ids"], arrays["labels"]
    clock = time.process_time if THREADS == 1 else time.perf_counter
    seconds = []
    for n in range(WARM_UP + STEPS):
        start = clock()
        take(n, ids[n % BATCHES], labels[n % BATCHES])
        seconds.append(clock() - start)
    return [1000 * s for s in seconds[WARM_UP:]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(times(our_step(arguments.side[0]), arguments.side[1])))
        return
    taking_turns.need_peer(__file__)
    print("| precision | side | ms a step, median | fastest and slowest round | textmill takes |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "batches.npz"
        make_batches(path)
        for precision in ("float32", "mixed_bfloat16"):
            rounds = taking_turns.rounds(
                arguments.rounds,
                SIDES,
                precision,
                str(path),
                threads=arguments.threads,
                pinned=False,
            )
            found = {side: [statistics.median(r[side]) for r in rounds] for side in SIDES}
            ours = statistics.median(found["textmill"])
            for side, values in found.items():
                median = statistics.median(values)
                print(
                    f"| {precision} | {side} | {median:.1f} | {min(values):.1f}, {max(values):.1f}"
                    f" | {ours / median:.2f} of it |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
