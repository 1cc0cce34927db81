"""What a model with attention looked at in some of its answers, as the JSON of the report."""

from typing import Any

import keras
import numpy as np

from pipeline import batching
from pipeline.data import Split
from pipeline.evaluation.judge import Answers
from pipeline.runs import Trained

SHOWN = 4  # of the worst mistakes, and of right answers
MOST_ALIGNED = 25  # tokens of a text in a picture of two texts
MAPS = ("attention", "second_attention", "alignment", "second_alignment")


def look(
    trained: Trained, split: Split, answers: Answers, mistakes: int, seed: int
) -> list[dict[str, Any]]:
    """What the model looked at in its worst mistakes, and in some right answers drawn by the seed.

    Args: mistakes, at most how many of them.

    Returns:
        For each {"text", "label", "predicted", "mistake", "tokens"} and of a pair "second_text" and
        "second_tokens", or the tokens of both as one sequence; with weights that pooled "attention"
        (H, T) and "second_attention" (H, S); with cross attention "alignment" (T, S), whose rows
        add up to 1, and "second_alignment" (S, T), both cut to MOST_ALIGNED tokens, and "picture",
        their picture's name. Nothing at all of a model without attention.
    """
    if not set(MAPS) & set(trained.model.output):
        return []
    wrong = answers.worst(min(SHOWN, mistakes))
    rows = np.concatenate([wrong, right(answers, seed)])
    outputs = weights(trained.model, split, rows)
    entries = []
    for place, row in enumerate(rows):
        entry: dict[str, Any] = {
            "text": split.texts[row],
            "label": answers.labels[row],
            "predicted": answers.predicted[row],
            "mistake": place < len(wrong),
            "tokens": tokens(trained, split.texts[row], split.ids[row]),
        }
        if "types" in split.inputs:  # a pair is one sequence
            entry["tokens"] = [trained.tokenizer.vocabulary[token] for token in split.ids[row]]
        if split.second_texts:
            entry["second_text"] = split.second_texts[row]
        if "second_ids" in split.inputs:
            ids = split.inputs["second_ids"][row]
            entry["second_tokens"] = tokens(trained, entry["second_text"], ids)
        entry |= maps(entry, {name: x[place] for name, x in outputs.items()})
        if entry.get("alignment") and entry["second_alignment"]:
            entry["picture"] = f"alignment_{place + 1}"
        entries.append(entry)
    return entries


def right(answers: Answers, seed: int) -> np.ndarray:
    """Rows of right answers; where none is right or wrong, of those nearer than half of all."""
    good = answers.correct if len(answers.correct) else answers.wrong <= np.median(answers.wrong)
    return np.random.default_rng(seed).permutation(np.flatnonzero(good))[:SHOWN]


def weights(model: keras.Model, split: Split, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The model's maps of these rows, padded."""
    batch = batching.batch(split, rows, 1)
    outputs = model({name: batch[name] for name in model.input}, training=False)
    return {name: np.asarray(outputs[name]) for name in MAPS if name in outputs}


def tokens(trained: Trained, text: str, ids: np.ndarray) -> list[str]:
    """The text as the tokenizer cut it, also where the vocabulary has no such token."""
    import tensorflow as tf

    pieces = trained.tokenizer.pieces(tf.constant([text]))[0, : len(ids)]
    return [piece.decode("utf-8", "replace") for piece in pieces.numpy()]


def maps(entry: dict[str, Any], padded: dict[str, np.ndarray]) -> dict[str, list[list[float]]]:
    """The padded maps of one answer without the padding."""
    found = {}
    for name, values in padded.items():
        lengths = [len(entry["tokens"]), len(entry.get("second_tokens", []))]
        if name.startswith("second"):
            lengths.reverse()
        if name.endswith("alignment"):
            values = values[: min(lengths[0], MOST_ALIGNED), : min(lengths[1], MOST_ALIGNED)]
        else:
            values = values[:, : lengths[0]]
        found[name] = np.round(values.astype(float), 4).tolist()
    return found
