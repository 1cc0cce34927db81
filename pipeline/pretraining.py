"""The examples of a masked language model in memory, and the batches that they are cut into."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs.tasks import MaskedLanguageModel
from pipeline import artifacts
from pipeline.batching import round_up
from pipeline.data import PARSE, Sequences, Split
from pipeline.masking import Masked, Masker, masker
from pipeline.prepare.parsing import parsed_examples

WEIGHTS = ("weight", "token_weight")
PAIRS, MASKS = ("second_start", "next"), ("places", "targets")


@dataclass(frozen=True)
class Asked:
    """What is asked about N examples, in the place of a split's labels.

    `second_start` (N,) int32, the place of the second text's first token, 0 where there is one
    text; `next` (N,) int32, 1 where the second text does not follow the first; and what masks the
    ids, or the static masks that are in them already.
    """

    second_start: np.ndarray
    next: np.ndarray
    masker: Masker | None = None
    places: Sequences | None = None
    targets: Sequences | None = None


def load(prepared: Path, name: str, task: MaskedLanguageModel) -> Split:
    """Read one split of a prepared directory, with ids of as few bytes as the vocabulary allows.

    Raises:
        JobError: the prepared data has no such split.
    """
    import tensorflow as tf

    from pipeline.text import tokenizers

    manifest = artifacts.manifest(prepared)
    kind = np.min_scalar_type(manifest["vocabulary_size"] - 1)
    masks = MASKS if task.masking.static else ()
    pairs = () if task.pairs == "none" else PAIRS
    features = {
        **{name: tf.io.RaggedFeature(tf.int64) for name in ("ids", *masks)},
        **{name: tf.io.FixedLenFeature([], tf.int64) for name in pairs},
    }
    parsed = parsed_examples(prepared, name, features, PARSE)
    # The places for all are made first: two copies of a corpus might not find room.
    split = manifest["splits"][name]
    number, tokens = split["examples"], split["tokens"]
    ids = Filled(np.empty(tokens, kind), np.empty(number, np.int64))
    asked = {name: np.zeros(number, np.int32) for name in PAIRS}
    hidden: dict[str, list[np.ndarray]] = {name: [] for name in (*masks, "number")}
    row = 0
    for batch in parsed:
        sizes = batch["ids"].row_lengths().numpy()
        ids.add(batch["ids"].values.numpy(), sizes)
        for name in pairs:
            asked[name][row : row + len(sizes)] = batch[name].numpy()
        for name in masks:
            hidden[name].append(batch[name].values.numpy().astype(np.int32))
        if masks:
            hidden["number"].append(batch["places"].row_lengths().numpy())
        row += len(sizes)
    found: dict[str, Any] = {}
    if masks:
        offsets = _offsets(np.concatenate(hidden["number"]))
        found = {name: Sequences(np.concatenate(hidden[name]), offsets) for name in masks}
    else:
        found["masker"] = masker(task.masking, tokenizers.load(prepared / "tokenizer"))
    return Split(
        {"ids": Sequences(ids.values, _offsets(ids.lengths))},
        Asked(asked["second_start"], asked["next"], **found),
        [],
        {},
        np.ones(number, np.float32),
    )


@dataclass
class Filled:
    """Arrays for sequences end to end and for their lengths, which are filled part by part."""

    values: np.ndarray
    lengths: np.ndarray
    values_done: int = 0
    lengths_done: int = 0

    def add(self, values: np.ndarray, lengths: np.ndarray) -> None:
        for into, some, done in (
            (self.values, values, self.values_done),
            (self.lengths, lengths, self.lengths_done),
        ):
            into[done : done + len(some)] = some
        self.values_done += len(values)
        self.lengths_done += len(lengths)


def _offsets(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)])


def batch(
    split: Split,
    rows: np.ndarray,
    row_keys: np.ndarray,
    parts: int = 1,
    fixed: tuple[int, int] = (1, 1),
) -> dict:
    """One padded batch.

    Args:
        rows: which examples.
        row_keys: of `pipeline.masking.keys`, one for each example, that masks are drawn from.
        parts, fixed: see `pipeline.batching.batch`; rows that fill up have a weight of 0.

    Returns:
        "ids" (B, T) int32 with masks, padded with 0; "types" (B, T) int32, 1 in second texts with
        the [SEP] after them, 0 elsewhere; "places" (B, M) and "targets" (B, M) int32, the places of
        the masks and the tokens that were there, 0 where a row has fewer; "next" (B,) int32;
        "weight" (B,) float32, 1 for an example; "token_weight" (B,) float32, of each mask in the
        loss of its row: examples divided by masks, of the whole batch.
    """
    asked: Asked = split.labels
    row_step, length_step = fixed
    num_rows = round_up(len(rows), int(np.lcm(parts, row_step)))
    lengths = split.ids.lengths[rows]
    longest = round_up(int(lengths.max(initial=1)), length_step)
    ids = split.ids.padded(rows, len(rows), longest).astype(np.int32)
    masked = asked.masker(ids, row_keys) if asked.masker else _static(ids, asked, rows)
    places, hidden = np.arange(longest), int(np.count_nonzero(masked.targets))
    second = asked.second_start[rows][:, None]
    made = {
        "ids": masked.ids,
        "types": (second > 0) & (places >= second) & (places < lengths[:, None]),
        # As few numbers of masks as lengths of texts, where each shape is compiled.
        "places": _widened(masked.places, -(-length_step // 4)),
        "targets": _widened(masked.targets, -(-length_step // 4)),
        "next": asked.next[rows],
        "weight": split.weights[rows],
        "token_weight": np.full(len(rows), len(rows) / max(1, hidden)),
    }
    kinds = {name: np.float32 if name in WEIGHTS else np.int32 for name in made}
    filled = {n: np.zeros((num_rows, *x.shape[1:]), kinds[n]) for n, x in made.items()}
    for name, values in made.items():
        filled[name][: len(rows)] = values
    return filled


def _static(ids: np.ndarray, asked: Asked, rows: np.ndarray) -> Masked:
    if asked.places is None or asked.targets is None:
        raise ValueError("the examples have neither a masker nor masks")
    most = max(1, int(asked.places.lengths[rows].max(initial=1)))
    places, targets = (some.padded(rows, len(rows), most) for some in (asked.places, asked.targets))
    return Masked(ids, places, targets)


def _widened(x: np.ndarray, step: int) -> np.ndarray:
    return np.pad(x, [(0, 0), (0, round_up(x.shape[1], step) - x.shape[1])])


def signature() -> dict:
    """Of what `batch` makes."""
    import tensorflow as tf

    two = {name: tf.TensorSpec([None, None], tf.int32) for name in ("ids", "types", *MASKS)}
    weights = {name: tf.TensorSpec([None], tf.float32) for name in WEIGHTS}
    return two | weights | {"next": tf.TensorSpec([None], tf.int32)}
