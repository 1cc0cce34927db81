"""What a masked language model says of a whole split, hidden in the same way each time."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from pipeline.data import Split
from pipeline.masking import keys
from pipeline.predictions import Forward
from pipeline.pretraining import batch, signature

ROWS = 32  # at a time: each mask has a score for all of the vocabulary
SEED = 0  # of the masks, whatever the recipe's is, so that runs are asked the same


@dataclass(frozen=True)
class Answers:
    """Of N examples with P hidden tokens in all, in the order of the examples.

    (P,): `rows` and `places`, which example's token it is and where it stands; `shown`, what stands
    there instead; `targets`; `tokens`, the likeliest ones; `losses`. (N,) of pairs, otherwise
    empty: `pair_losses`, and whether the likelier answer was right, `pairs_right`.
    """

    number: int  # N
    rows: np.ndarray
    places: np.ndarray
    shown: np.ndarray
    targets: np.ndarray
    tokens: np.ndarray
    losses: np.ndarray
    pair_losses: np.ndarray
    pairs_right: np.ndarray

    def by_example(self, of_tokens: np.ndarray) -> np.ndarray:
        """(P,) -> (N,) sums."""
        return np.bincount(self.rows, of_tokens, self.number)

    @property
    def hidden(self) -> np.ndarray:
        """(N,) hidden tokens."""
        return np.bincount(self.rows, minlength=self.number)

    @property
    def right(self) -> np.ndarray:
        """(P,) bool."""
        return self.tokens == self.targets


class Asker:
    """The compiled model in evaluation, over all replicas of a strategy. Call: a split -> Answers.

    Masks that change with each epoch are those of SEED; static ones are in the split.
    """

    def __init__(self, model: keras.Model, strategy: tf.distribute.Strategy) -> None:
        wanted = [n for n in ("losses", "tokens", "next_logits") if n in model.output]
        asked = keras.Model(model.input, {name: model.output[name] for name in wanted})
        self.parts, self.names = strategy.num_replicas_in_sync, list(model.input)
        self.forward = Forward(asked, strategy, signature()).forward

    def __call__(self, split: Split) -> Answers:
        found: dict[str, list[np.ndarray]] = {}
        for rows, shown, outputs in self.batches(split):
            real = np.nonzero(shown["targets"])  # row by row, from left to right
            of_tokens = {
                "rows": rows[real[0]],
                "places": shown["places"][real],
                "shown": shown["ids"][real[0], shown["places"][real]],
                "targets": shown["targets"][real],
                "tokens": outputs["tokens"][real],
                "losses": outputs["losses"][real].astype(np.float64),
            }
            logits = outputs.get("next_logits", np.zeros((0, 2)))[: len(rows)]
            right = shown["next"][: len(logits)]
            of_pairs = {
                "pair_losses": -_log_softmax(logits)[np.arange(len(logits)), right],
                "pairs_right": logits.argmax(axis=1) == right,
                "pair_rows": rows[: len(logits)],
            }
            for name, values in (of_tokens | of_pairs).items():
                found.setdefault(name, []).append(values)
        joined = {name: np.concatenate(parts) for name, parts in found.items()}
        order = np.argsort(joined["rows"], kind="stable")
        pairs = np.argsort(joined.pop("pair_rows"), kind="stable")
        in_order = {n: x[pairs if n.startswith("pair") else order] for n, x in joined.items()}
        return Answers(len(split), **in_order)

    def batches(self, split: Split) -> Iterator[tuple[np.ndarray, dict, dict]]:
        """Rows, what the model was shown and what it answered, in order of length."""
        order = np.argsort(split.lengths, kind="stable")
        for start in range(0, len(order), ROWS):
            rows = order[start : start + ROWS]
            shown = batch(split, rows, keys(SEED, 0, rows), self.parts)
            outputs = self.forward({name: tf.constant(shown[name]) for name in self.names})
            yield rows, shown, {name: x.numpy() for name, x in outputs.items()}


def scores(answers: Answers, pair_weight: float = 1.0) -> dict[str, float]:
    """The plain ones, without intervals; `loss` is what training makes small."""
    masked = float(answers.losses.mean())
    found = {
        "masked_loss": masked,
        "perplexity": float(np.exp(masked)),
        "accuracy": float(answers.right.mean()),
    }
    if not len(answers.pair_losses):
        return {"loss": masked, **found}
    pairs = float(answers.pair_losses.mean())
    accuracy = float(answers.pairs_right.mean())
    loss = masked + pair_weight * pairs
    return {"loss": loss, **found, "pair_loss": pairs, "pair_accuracy": accuracy}


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
