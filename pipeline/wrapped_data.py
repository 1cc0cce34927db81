"""Prepared examples as a model between [CLS] and [SEP] reads them, made when they are loaded."""

from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.data import Sequences
from pipeline.text.wrapping import Wrapping, wrapped, wrapped_words


def of_texts(found: dict[str, Any], how: Wrapping) -> dict[str, Sequences]:
    """`ids` and, of pairs, `second_ids` -> `ids` and `types`, see `pipeline.text.wrapping`."""
    texts = [ragged(found[name]) for name in ("ids", "second_ids") if name in found]
    ids, types = wrapped(how, *texts)
    return {"ids": sequences(ids), "types": sequences(types)}


def of_words(found: dict[str, Any], how: Wrapping) -> dict[str, Sequences]:
    """`ids` and, unless each is a word, `starts` -> `ids`, `types` and `starts`.

    And `words` and `label` of as many words as there is room for beside [CLS] and [SEP].
    """
    *made, starts = wrapped_words(how, pieces(ragged(found["ids"]), found.get("starts")))
    number = starts.row_lengths().numpy()
    kept = {name: leading(found[name], number) for name in ("words", "label")}
    ids, types = map(sequences, made)
    return {"ids": ids, "types": types, "starts": sequences(starts), **kept}


def pieces(ids: tf.RaggedTensor, starts: Sequences | None) -> tf.RaggedTensor:
    """Ids by word: ragged (B, None, None) int32."""
    if starts is None:
        return ids.with_values(tf.RaggedTensor.from_tensor(ids.values[:, None]))
    words = ragged(starts)
    first = tf.gather(ids.row_starts(), words.value_rowids()) + tf.cast(words.values - 1, tf.int64)
    return words.with_values(tf.RaggedTensor.from_row_starts(ids.values, first))


def leading(some: Sequences, number: np.ndarray) -> Sequences:
    """The first ones of each sequence, as many as (N,) `number` says."""
    places = np.arange(len(some.values)) - np.repeat(some.offsets[:-1], some.lengths)
    kept = some.values[places < np.repeat(number, some.lengths)]
    return Sequences(kept, np.concatenate([[0], np.cumsum(number)]))


def ragged(some: Sequences) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_splits(some.values, some.offsets)


def sequences(texts: tf.RaggedTensor) -> Sequences:
    return Sequences(texts.values.numpy(), texts.row_splits.numpy())
