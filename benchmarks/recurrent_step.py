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
import statistics
import sys

import taking_turns

LENGTH, SECONDS = 70, 2.0
SIDES = {
    "textmill": [sys.executable, __file__],
    "Keras": [sys.executable, __file__, "--keras"],
    "PyTorch": [str(taking_turns.PEER), "benchmarks/peers/torch_recurrent.py"],
}
CASES = {
    "lstm_32x256": {"cell": "lstm", "batch": 32, "units": 256},
    "gru_32x256": {"cell": "gru", "batch": 32, "units": 256},
    "rnn_32x256": {"cell": "rnn", "batch": 32, "units": 256},
    "lstm_bi2_32x256": {"cell": "lstm", "batch": 32, "units": 256, "both": True},
    "lstm_32x1024x256": {"cell": "lstm", "batch": 32, "units": 1024, "projection": 256},
    "lstm_64x1150": {"cell": "lstm", "batch": 64, "units": 1150},
}


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
        seconds = None if step is None else taking_turns.seconds_a_step(step, 3, SECONDS)
        found[case] = None if seconds is None else 1000 * seconds
    print(json.dumps(found))


def main() -> None:
    arguments = taking_turns.arguments(__file__, CASES, list(CASES))
    print("| layer | precision | textmill ms | Keras ms | PyTorch ms | PyTorch / textmill |")
    print("|---|---|---|---|---|---|")
    for precision in arguments.precisions:
        rounds = taking_turns.rounds(arguments.rounds, SIDES, precision, *arguments.cases)
        for case in arguments.cases:
            found = {side: [r[side][case] for r in rounds] for side in SIDES}
            middle = {
                side: None if None in values else statistics.median(values)
                for side, values in found.items()
            }
            cells = ["-" if value is None else f"{value:.1f}" for value in middle.values()]
            ratios = [r["PyTorch"][case] / r["textmill"][case] for r in rounds]
            spread = taking_turns.spread(ratios)
            print(f"| {case} | {precision} | {' | '.join(cells)} | {spread} |", flush=True)


if __name__ == "__main__":
    taking_turns.start(main, lambda: run_side(our_step))
