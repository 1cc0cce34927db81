"""Milliseconds of a training step of recurrent layers, against Keras's layers and PyTorch's.

    python benchmarks/recurrent_step.py [--rounds 3] [--cases lstm_32x256 ...] [--precisions ...]

Peers: `python3.11 -m venv .venv-peers && .venv-peers/bin/pip install -r requirements-peers.txt`.

A step is the layer's outputs for 70 tokens of random vectors as wide as the layer, and the
gradients of their sum for the weights and the inputs. A name says batch x units, x projection if
there is one; `bi2` are two bidirectional layers. Each side runs in processes of its own, one after
the other, in turns, on one thread of one core, and what counts is that thread's processor time,
which a busy machine falsifies least. Printed is the median of the processes' medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

LENGTH, SECONDS = 70, 2.0
PEER = Path(".venv-peers/bin/python")
SIDES = {
    "textmill": [sys.executable, __file__],
    "Keras": [sys.executable, __file__, "--keras"],
    "PyTorch": [str(PEER), "benchmarks/peers/torch_recurrent.py"],
}
CASES = {
    "lstm_32x256": {"cell": "lstm", "batch": 32, "units": 256},
    "gru_32x256": {"cell": "gru", "batch": 32, "units": 256},
    "rnn_32x256": {"cell": "rnn", "batch": 32, "units": 256},
    "lstm_bi2_32x256": {"cell": "lstm", "batch": 32, "units": 256, "both": True},
    "lstm_32x1024x256": {"cell": "lstm", "batch": 32, "units": 1024, "projection": 256},
    "lstm_64x1150": {"cell": "lstm", "batch": 64, "units": 1150},
}


def times(step) -> float:
    """The median milliseconds of a step after the first few."""
    for _ in range(3):
        step()
    found, end = [], time.process_time() + SECONDS
    while len(found) < 3 or time.process_time() < end:
        start = time.process_time()
        step()
        found.append(1000 * (time.process_time() - start))
    return statistics.median(found)


def our_step(precision, keras_layers, cell, batch, units, projection=None, both=False):
    """The function that takes a step; None where Keras has no such layer."""
    import keras
    import tensorflow as tf

    from components.recurrent_stack import RecurrentStack

    width = projection or units
    if not keras_layers:
        stack = RecurrentStack(
            units, cell, 1 + both, both, projection=projection, dtype=precision, name="stack"
        )
        stack.build((None, None, width))
        layers = [lambda x: stack(x, training=True)[0]]
        variables = [v.value for v in stack.trainable_variables]
    elif projection:
        return None
    else:
        names = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}
        kind, layers = getattr(keras.layers, names[cell]), []
        for n in range(1 + both):
            layer = kind(units, return_sequences=True, dtype=precision)
            layer = keras.layers.Bidirectional(layer, dtype=precision) if both else layer
            layer.build((None, None, 2 * width if n else width))
            layers.append(layer)
        variables = [v.value for layer in layers for v in layer.trainable_variables]

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = x
            for layer in layers:
                outputs = layer(outputs)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32))
        return tape.gradient(loss, [x, *variables])

    x = tf.random.normal([batch, LENGTH, width])
    return lambda: step(x)


def run_side(make_step) -> None:
    """Measure the cases named on the command line, and print what they take."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keras", action="store_true")
    parser.add_argument("--side", nargs="+")
    arguments = parser.parse_args()
    precision, *cases = arguments.side
    found = {}
    for case in cases:
        step = make_step(precision, arguments.keras, **CASES[case])
        found[case] = None if step is None else times(step)
    print(json.dumps(found))


def measure(command: list[str], precision: str, cases: list[str]) -> dict[str, float | None]:
    """Milliseconds by case, of a process of its own."""
    done = subprocess.run(
        [*command, "--side", precision, *cases],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, [max(os.sched_getaffinity(0))]),
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": "."},
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--precisions", nargs="+", default=["float32", "mixed_bfloat16"])
    arguments = parser.parse_args()
    if not PEER.exists():
        raise SystemExit(f"no {PEER}: see the top of {__file__}")
    print("| layer | precision | textmill ms | Keras ms | PyTorch ms | PyTorch / textmill |")
    print("|---|---|---|---|---|---|")
    for precision in arguments.precisions:
        rounds = [
            {side: measure(command, precision, arguments.cases) for side, command in SIDES.items()}
            for _ in range(arguments.rounds)
        ]
        for case in arguments.cases:
            found = {side: [r[side][case] for r in rounds] for side in SIDES}
            middle = {
                side: None if None in values else statistics.median(values)
                for side, values in found.items()
            }
            cells = ["-" if value is None else f"{value:.1f}" for value in middle.values()]
            ratios = [r["PyTorch"][case] / r["textmill"][case] for r in rounds]
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            print(f"| {case} | {precision} | {' | '.join(cells)} | {spread} |", flush=True)


if __name__ == "__main__":
    if "--side" in sys.argv:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        run_side(our_step)
    else:
        main()
