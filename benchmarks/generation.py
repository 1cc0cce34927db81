"""Tokens a second that an exported GPT writes, against transformers' GPT-2 in PyTorch.

    python benchmarks/generation.py [--rounds 3] [--cases 1 8] [--precisions ...]

Peer: `python3.11 -m venv .venv-peers && .venv-peers/bin/pip install -r requirements-peers.txt`.

Both have the same weights, 12 layers of width 768 after one step of training, and a vocabulary of
2,000 pieces; that they give a prompt's next token the same probabilities is checked before anything
is timed. A case is the number of texts that are gone on with together, each by 64 tokens after 16,
the likeliest each time, with keys and values kept. Ours is the SavedModel's signature `generate`,
from raw texts to raw texts; the peer's `generate` begins and ends with ids, in bfloat16 as a whole.
Exports are kept in work/generation: delete it after a change of what is exported.

Each side runs in processes of its own, one after the other, in turns, on one thread of one core,
and what counts is that thread's processor time, which a busy machine falsifies least. Printed is
the median of the processes' medians.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import own_export
import taking_turns

RECIPE = "configs/language_model/sample_gpt.yaml"
SETTINGS = [
    "model={kind: gpt, size: base, layout: gpt2, context: 256}",
    "text.max_length=255",
    "task.carry=stream",  # so that no text ends
    "train.max_steps=1",
    "train.batch_size=2",
    "data.valid=0.02",
    "data.test=null",
    "export.golden=3",
]
FOLDER = Path("work/generation")
SIDES = {
    "textmill": [sys.executable, __file__],
    "PyTorch": [str(taking_turns.PEER), "benchmarks/peers/transformers_gpt.py"],
}
CASES = {"1": {"together": 1}, "8": {"together": 8}}
PROMPT = "I have just returned from a visit to my landlord, the solitary neighbour that I shall"
READ, WRITTEN = 16, 64  # tokens of each text
LIKELIEST = 5  # tokens that are compared
TOLERANCE = {"float32": 1e-3, "mixed_bfloat16": 0.1}  # of a probability, relative to it


def export(precision: str) -> Path:
    return FOLDER / precision / "models/sample-gpt/1"


def publish(precision: str) -> None:
    """Train a step and write the export, and the prompt's ids beside it, unless they are there."""
    own = f"train.precision={precision}", f"work={FOLDER / precision}"
    own_export.export(export(precision), RECIPE, (*SETTINGS, *own))

    from pipeline.text import tokenizers

    tokenizer = tokenizers.load(export(precision) / "tokenizer")
    (ids,) = tokenizer.all_ids([PROMPT]).to_list()
    told = {"ids": [tokenizer.end_id, *ids][:READ], "vocabulary": tokenizer.vocabulary}
    (FOLDER / precision / "prompt.json").write_text(json.dumps(told), encoding="utf-8")


def prompt(precision: str) -> dict:
    """Of the prompt the `ids`, an end before them, and the `vocabulary`."""
    return json.loads((FOLDER / precision / "prompt.json").read_text(encoding="utf-8"))


def our_functions(precision: str) -> tuple[Callable, Callable]:
    """(tokens and their probabilities after the prompt, how many texts to write on from)."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the tokenizer's ops

    signatures = tf.saved_model.load(str(export(precision))).signatures
    told = prompt(precision)
    text = "".join(told["vocabulary"][token] for token in told["ids"][1:]).replace("▁", " ")

    def following() -> dict[str, float]:
        found = signatures["next"](text=tf.constant([text]))
        names = [name.decode() for name in found["tokens"][0].numpy()]
        return dict(zip(names, found["scores"][0].numpy().tolist(), strict=True))

    def write(together: int) -> int:
        def each(value):
            return tf.fill([together], value)

        how = {"temperature": each(0.0), "top_p": each(1.0), "top_k": each(0), "seed": each(0)}
        found = signatures["generate"](text=each(text), tokens=each(WRITTEN), **how)
        return int(found["written"].numpy().sum())

    return following, write


def run_side(functions: Callable) -> None:
    """Print what comes next, or how many tokens are written in a second."""
    if "compare" in sys.argv:
        following, _ = functions(taking_turns.side_arguments()[0])
        print(json.dumps(following()))
        return

    def make_step(precision: str, together: int) -> Callable:
        _, write = functions(precision)
        written = write(together)
        if written != together * WRITTEN:
            raise SystemExit(f"{written} tokens were written instead of {together * WRITTEN}")
        return lambda: write(together)

    taking_turns.throughput(make_step, CASES, lambda case: case["together"] * WRITTEN)


def check(precision: str) -> None:
    """That both sides give what comes next the same probabilities."""
    own, other = (taking_turns.answer(c, precision, "compare") for c in SIDES.values())
    shown = sorted(own, key=own.__getitem__)[-LIKELIEST:]
    apart = max(abs(own[name] / other[name] - 1) for name in shown)
    print(f"{precision}: the peer's probabilities are {apart:.1e} from ours", file=sys.stderr)
    if apart > TOLERANCE[precision]:
        raise SystemExit("the sides do not answer alike")


def main() -> None:
    asked = taking_turns.arguments(__file__, CASES, list(CASES))
    for precision in asked.precisions:
        publish(precision)
        check(precision)
    print("| texts | precision | textmill tokens/s | PyTorch tokens/s | ratio |")
    print("|---|---|---|---|---|")
    taking_turns.compare(SIDES, asked)


if __name__ == "__main__":
    taking_turns.start(main, lambda: run_side(our_functions))
