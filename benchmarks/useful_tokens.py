"""Useful tokens a second of a training step: what packing and sorting by length buy.

    python benchmarks/useful_tokens.py [--models gpt bert] [--texts trec sst2 imdb] [--rounds 3]
        [--batches 40]

Useful is what is not padding. The texts are TREC's questions, SST-2's sentences and every tenth
test review of IMDb, in WordPieces of their own; both models have 4 layers of 256.

- A gpt learns to foretell tokens, in at most 2,048 places a step: with one text a row (256 tokens
  of it, the rest in further rows), padded to the longest of the step; with rows of like lengths
  together; and packed into windows of 256, as `textmill train` has them.
- A bert learns labels: with 32 texts a step (255 tokens of each); with 32 of like lengths, which is
  `train.sort_by_length`; and these by `train.batch_tokens`, as many as 32 texts have on average.

The step is that of `textmill train`. A round is a process on one thread of one core that goes
through the first batches of another epoch, one of each kind in turn; before, it has seen each shape
once. What counts is that thread's processor time.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import islice, zip_longest

import corpus
import numpy as np
import own_step
import taking_turns
import ulmfit

TEXTS = {
    "trec": corpus.DATA / "trec/train.tsv",
    "sst2": corpus.DATA / "sst2/train_sentences.tsv",
    "imdb": ulmfit.TEST,
}
LENGTH, PLACES, BATCH = 256, 2048, 32
MODELS = {
    "gpt": {
        "task": "language_model",
        "model": f"{{kind: gpt, size: mini, layout: gpt2, context: {LENGTH}}}",
    },
    "bert": {"task": "classify", "model": "{kind: bert, size: mini}"},
}
COLUMNS = (
    *("texts", "model", "batches", "padding", "useful tokens a step", "useful tokens a second"),
    *("times the first", "shapes", "traces"),
)
RECIPE = """
name: useful-tokens
work: work/useful_tokens
data: {{train: {path}, valid: null}}
text: {{html: true, max_length: 255, tokenizer: {{kind: wordpiece, size: 8000}}}}
task: {{kind: {task}}}
model: {model}
train: {{clip_norm: 1.0, learning_rate: 0.0001, optimizer: {{kind: adam, weight_decay: 0.01}}}}
"""


def kinds_of_batches(recipe, split) -> dict:
    """By name, `pipeline.batching.Batches` or alike; padding costs the first ones most."""
    from pipeline.training import examples

    def settings(**changed):
        return recipe.model_copy(update={"train": recipe.train.model_copy(update=changed)})

    if recipe.model.kind == "gpt":
        places = {"batch_size": None, "batch_tokens": PLACES}
        return {
            "one text a row": rows_of_one(settings(sort_by_length=False, **places), split),
            "one text a row, sorted": rows_of_one(settings(**places), split),
            "packed": examples.batches(settings(**places), split, 1),
        }
    texts, tokens = {"batch_size": BATCH}, round(BATCH * split.lengths.mean())
    recipes = {
        "shuffled": settings(sort_by_length=False, **texts),
        "sorted": settings(**texts),
        f"sorted, batch_tokens {tokens}": settings(batch_size=None, batch_tokens=tokens),
    }
    return {name: examples.batches(changed, split, 1) for name, changed in recipes.items()}


def rows_of_one(recipe, split):
    """The batches of a gpt that packs nothing."""
    from pipeline import streams
    from pipeline.batching import Batches
    from pipeline.data import Sequences, Split

    texts = (split.ids[row] for row in range(len(split)))
    # The last token of a part is foretold in it, and read in the next.
    parts = [text[n : n + LENGTH + 1] for text in texts for n in range(0, len(text) - 1, LENGTH)]
    offsets = np.cumsum([0, *map(len, parts)])
    ids, ones = Sequences(np.concatenate(parts), offsets), np.ones(len(parts), np.float32)
    rows = Split({"ids": ids}, None, [], {}, ones)

    def batch(epoch, chosen):
        shown = [streams.stream(rows, [row], recipe.task, False) for row in chosen]
        lengths = np.array([len(row) for row in shown], np.float32)
        return streams.window(rows, shown, 0, int(lengths.max())) | {"weight": lengths}

    return Batches(rows, recipe.train, recipe.seed, batch, streams.signature(rows, False))


def step_and_batches(model: str, texts: str) -> tuple:
    """The step that `textmill train` takes, and the `kinds_of_batches`."""
    from configs import loading

    path = TEXTS[texts].resolve()
    recipe = loading.parse(RECIPE.format(path=path, **MODELS[model]))
    vocabulary, labels, split = own_step.prepared(recipe)
    kinds = kinds_of_batches(recipe, split)
    signature = next(iter(kinds.values())).signature
    return own_step.step_of(recipe, vocabulary, max(len(labels), 1), signature), kinds


def run_side(model: str, texts: str, epoch: str, number: str) -> None:
    """Measure and print, by kind of batch, what its steps came to."""
    step, kinds = step_and_batches(model, texts)
    made = {
        kind: [batch.tensors for batch in islice(batches.epoch(int(epoch), 0), int(number))]
        for kind, batches in kinds.items()
    }
    shapes = {kind: {tuple(b["ids"].shape): b for b in batches} for kind, batches in made.items()}
    for batch in {shape: b for some in shapes.values() for shape, b in some.items()}.values():
        float(step(batch, 0, False)["loss"])
    found = {kind: {"places": 0, "tokens": 0, "seconds": 0.0} for kind in made}
    for batches in zip_longest(*made.values()):
        for own, batch in zip(found.values(), batches, strict=True):
            if batch is None:
                continue
            start = time.process_time()
            float(step(batch, 1, False)["loss"])
            own["seconds"] += time.process_time() - start
            own["places"] += batch["ids"].numpy().size
            own["tokens"] += int(np.count_nonzero(batch["ids"]))
    traces = step.compiled.experimental_get_tracing_count()
    for kind, own in found.items():
        own |= {"steps": len(made[kind]), "shapes": len(shapes[kind]), "traces": traces}
    print(json.dumps(found))


def lines(model: str, texts: str, rounds: list[dict]) -> Iterator[str]:
    """Of the table, one for each kind of batch; shapes are those of the first round."""

    def total(kind, name):
        return sum(found[kind][name] for found in rounds)

    def speeds(kind):
        return [found[kind]["tokens"] / found[kind]["seconds"] for found in rounds]

    plain, *_ = rounds[0]
    for kind, first in rounds[0].items():
        ratios = [a / b for a, b in zip(speeds(kind), speeds(plain), strict=True)]
        cells = (
            *(texts, model, kind),
            f"{1 - total(kind, 'tokens') / total(kind, 'places'):.1%}",
            f"{total(kind, 'tokens') / total(kind, 'steps'):,.0f}",
            f"{statistics.median(speeds(kind)):,.0f}",
            "1" if kind == plain else taking_turns.spread(ratios),
            f"{first['shapes']} in {first['steps']} steps",
            str(first["traces"]),
        )
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--texts", nargs="+", default=TEXTS, choices=TEXTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=40)
    asked = parser.parse_args()
    ulmfit.test_reviews()
    side = [sys.executable, __file__]
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---" * len(COLUMNS) + "|")
    for model in asked.models:
        for texts in asked.texts:
            rounds = [
                taking_turns.answer(side, model, texts, str(epoch), str(asked.batches))
                for epoch in range(asked.rounds)
            ]
            print("\n".join(lines(model, texts, rounds)), flush=True)


if __name__ == "__main__":
    taking_turns.start(main, lambda: run_side(*taking_turns.side_arguments()))
