"""Golden requests of masked language models: what the trained model says, a text at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from configs.tasks import MaskedLanguageModel
from pipeline import pretraining
from pipeline.masked_answers import SEED
from pipeline.masking import keys
from pipeline.publishing.golden import Example
from pipeline.publishing.masked_signatures import possible
from pipeline.text.wrapping import Wrapping, wrapping


def masked_texts(
    prepared: Path, name: str, task: MaskedLanguageModel, tokenizer: Any, number: int
) -> list[Example]:
    """The first texts of a split's examples, with [MASK] where it hides them."""
    split = pretraining.load(prepared, name, task)
    rows = np.arange(min(number, len(split)))
    shown = pretraining.batch(split, rows, keys(SEED, 0, rows))
    spelling = f" {tokenizer.vocabulary[tokenizer.mask_id]} "
    examples: list[Example] = []
    for ids in shown["ids"]:
        text = ids[1 : np.flatnonzero(ids == tokenizer.end_id)[0]]
        parts = np.split(text, np.flatnonzero(text == tokenizer.mask_id))
        spelled = [tokenizer.text_of(part[part != tokenizer.mask_id].tolist()) for part in parts]
        examples.append((spelling.join(spelled).strip(),))
    return examples


def masked_answers(
    examples: Sequence[Example], tokenizer: Any, model: Any, top_k: int
) -> list[dict[str, Any]]:
    """One golden request for each text, read step by step and by itself."""
    allowed, how = possible(tokenizer), wrapping(tokenizer)
    number = min(top_k, int(allowed.sum()))
    head, table = model.get_layer("mlm"), model.get_layer("embeddings").table
    requests = []
    for (text,) in examples:
        ids = sequence(text, tokenizer, how)
        places = np.flatnonzero(ids == tokenizer.mask_id)[None].astype(np.int32)
        none = np.zeros((1, 1), np.int32)
        shown = {"ids": ids[None], "types": ids[None] * 0, "places": none, "targets": none}
        vectors = model(shown, training=False)["vectors"]
        asked = places if places.size else none
        scores = np.float64(head.scores(vectors, asked, tf.convert_to_tensor(table)))
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        chances = np.where(allowed, odds / odds.sum(-1, keepdims=True), 0.0)[0, : places.size]
        best = np.argsort(-chances, axis=-1, kind="stable")[:, :number]
        outputs = {
            "tokens": [[tokenizer.vocabulary[token] for token in row] for row in best],
            "scores": np.take_along_axis(chances, best, axis=-1).tolist(),
            "masks": int(places.size),
        }
        requests.append({"text": text, "outputs": outputs})
    return requests


def sequence(text: str, tokenizer: Any, how: Wrapping) -> np.ndarray:
    """(T,) int32 ids of a text with [MASK] in it, as a model reads them."""
    ids: list[int] = []
    for n, part in enumerate(text.split(tokenizer.vocabulary[tokenizer.mask_id])):
        ids += [tokenizer.mask_id] * (n > 0)
        ids += tokenizer.all_ids(tf.constant([part])).values.numpy().tolist()
    return np.array([how.start_id, *ids[: how.room(1)], how.end_id], np.int32)
