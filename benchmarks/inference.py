"""Milliseconds of an answer of an exported BERT, against PyTorch and ONNX Runtime.

    python benchmarks/inference.py [--rounds 3] [--cases 1 32] [--precisions ...]

Peers: `python3.11 -m venv .venv-peers && .venv-peers/bin/pip install -r requirements-peers.txt`.
Before: MiniLM-L6 in work/minilm-l6, see configs/classify/banking77_bert.yaml.

Raw questions of bank customers in, probabilities of 77 intents out, of all texts of a request
together, padded to its longest. Ours is the SavedModel that `textmill export` writes, after one
step of training; the others have the same weights, from the folder that `textmill huggingface`
writes: transformers' BERT in PyTorch, in bfloat16 as a whole, and the same in ONNX Runtime, with
its optimizations for BERT; `tokenizers`, the fast one of Hugging Face, is in front of both. A case
is the number of texts in a request. That all sides say the same is checked before anything is
timed. Models are kept in work/inference: delete it after a change of what is exported.

Each side runs in processes of its own, one after the other, in turns, on one thread of one core,
and what counts is that thread's processor time, which a busy machine falsifies least. Printed is
the median of the processes' medians.
"""

import csv
import itertools
import json
import random
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import own_export
import taking_turns

RECIPE = "configs/classify/banking77_bert.yaml"
SETTINGS = ["model.pooling=cls", "train.max_steps=1", "data.test=null"]
SETTINGS += ["data.train=samples/banking77/test.csv"]  # enough of it
FOLDER = Path("work/inference")
PEER = [str(taking_turns.PEER), "benchmarks/peers/bert_inference.py"]
SIDES = {
    "float32": {
        "textmill": [sys.executable, __file__],
        "PyTorch": [*PEER, "torch"],
        "ONNX Runtime": [*PEER, "onnx"],
    },
    "mixed_bfloat16": {"textmill": [sys.executable, __file__], "PyTorch": [*PEER, "torch"]},
}
TOLERANCE = {"float32": 1e-3, "mixed_bfloat16": 5e-2}  # of a probability, relative to it
CASES = {"1": {"together": 1}, "32": {"together": 32}}  # texts in a request
NUMBER, COMPARED = 1024, 32  # texts


def texts() -> list[str]:
    with open("samples/banking77/test.csv", newline="", encoding="utf-8") as file:
        found = [row["text"] for row in csv.DictReader(file)]
    return random.Random(0).sample(found, NUMBER)


def published(precision: str) -> tuple[Path, Path]:
    """Where the export is, and the folder for transformers."""
    return FOLDER / precision / "models/banking77-bert/1", FOLDER / precision / "transformers"


def publish(precision: str) -> None:
    """Train a little and write both, and what ONNX Runtime reads, unless they are there."""
    export, folder = published(precision)
    own = f"train.precision={precision}", f"work={FOLDER / precision}"
    own_export.export(export, RECIPE, (*SETTINGS, *own))
    own_export.make(folder, "huggingface", str(export), "--output", str(folder))
    if "ONNX Runtime" in SIDES[precision] and not (folder / "model.onnx").exists():
        subprocess.run([*PEER, "convert", str(folder)], check=True, stdout=sys.stderr)


def our_answers(precision: str) -> Callable[[list[str]], list]:
    """(B,) texts -> (B, C) probabilities."""
    from pipeline.publishing import saved_model

    answer = saved_model.load(published(precision)[0])
    return lambda some: answer(some)["probabilities"]


def run_side(answers_of: Callable) -> None:
    """Print some probabilities, or how many requests are answered in a second."""
    if "compare" in sys.argv:
        precision = taking_turns.side_arguments()[0]
        print(json.dumps(answers_of(precision)(texts()[:COMPARED]).tolist()))
        return

    def make_step(precision: str, together: int) -> Callable:
        answers = answers_of(precision)
        asked = texts()
        starts = itertools.cycle(range(0, NUMBER, together))
        return lambda: answers(asked[(start := next(starts)) : start + together])

    taking_turns.throughput(make_step, CASES, lambda case: 1)


def check(precision: str) -> None:
    """That all sides give the same answers."""
    own, *others = (taking_turns.answer(c, precision, "compare") for c in SIDES[precision].values())
    for name, other in zip(list(SIDES[precision])[1:], others, strict=True):
        pairs = zip(itertools.chain(*own), itertools.chain(*other), strict=True)
        apart = max(abs(a / b - 1) for a, b in pairs)
        print(f"{precision}: {name}'s probabilities are {apart:.1e} from ours", file=sys.stderr)
        if apart > TOLERANCE[precision]:
            raise SystemExit("the sides do not answer alike")


def main() -> None:
    arguments = taking_turns.arguments(__file__, CASES, list(CASES))
    for precision in arguments.precisions:
        publish(precision)
        check(precision)
    print(
        "| texts | precision | textmill ms | PyTorch ms | ONNX Runtime ms | fastest other / ours |"
    )
    print("|---|---|---|---|---|---|")
    for precision in arguments.precisions:
        sides = SIDES[precision]
        rounds = taking_turns.rounds(arguments.rounds, sides, precision, *arguments.cases)
        for case in arguments.cases:
            ms = {side: [1000 / found[side][case] for found in rounds] for side in sides}
            cells = [f"{statistics.median(each):.1f}" for each in ms.values()]
            cells += ["not offered"] * (3 - len(cells))
            own, *others = ms.values()
            ratios = [min(each) / mine for mine, *each in zip(own, *others, strict=True)]
            print(f"| {case} | {precision} | {' | '.join(cells)} | {taking_turns.spread(ratios)} |")


if __name__ == "__main__":
    taking_turns.start(main, lambda: run_side(our_answers))
