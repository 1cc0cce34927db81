"""The words of a split, each distinct one kept once: as they are spelled, and as characters."""

from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from configs.data import Text
from configs.models import Elmo, Ensemble
from configs.recipe import Recipe
from pipeline.text.characters import LONGEST, SENTENCE_END, SENTENCE_START, character_ids
from pipeline.text.cleaning import clean
from pipeline.text.given_words import clean_word
from pipeline.text.splitting import words

# In the places of [CLS] and [SEP]; no cleaned text has a NUL.
START, END = b"\0start", b"\0end"
NAMES = {"words": "characters", "second_words": "second_characters"}


class Spellings:
    """Distinct words and the numbers that stand for them, from 1 on in the order they came.

    `words` finds what a model of the recipe reads the characters of, `number` counts it, and
    `characters` spells it at the end.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.text, self.task = recipe.text, recipe.task.kind
        self.wanted = reads_characters(recipe)
        self.numbers: dict[bytes, int] = {}

    @property
    def spelled(self) -> list[str]:
        return [word.decode("utf-8", "replace") for word in self.numbers]

    def words(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.RaggedTensor]:
        """Of a batch of parsed examples; sentences to tag hold theirs already."""
        if not self.wanted or self.task == "tag":
            return {}
        whole = self.task == "language_model"
        texts = {"words": batch["text"], "second_words": batch.get("second_text")}
        return {n: tokens(t, self.text, whole) for n, t in texts.items() if t is not None}

    def number(self, found: tf.Tensor) -> np.ndarray:
        """(N,) string -> (N,) int32."""
        distinct, places = tf.unique(found)
        numbers = self.numbers
        own = [numbers.setdefault(word, len(numbers) + 1) for word in distinct.numpy().tolist()]
        return np.array(own, np.int32)[places.numpy()]

    def characters(self, numbered: dict[str, Any]) -> dict[str, Any]:
        """The model's inputs, from the sequences of the words' numbers."""
        if not self.wanted:
            return {}
        table = self.table()
        return {
            name: replace(numbered[found], table=table)
            for found, name in NAMES.items()
            if found in numbered
        }

    def table(self) -> np.ndarray:
        """(W + 1, LONGEST) int32 character ids of all words, after zeros for padding."""
        table = np.zeros((len(self.numbers) + 1, LONGEST), np.int32)
        distinct = tf.constant(list(self.numbers), tf.string)
        # Words of texts come from cleaned ones, and cleaning twice might do more.
        cleaned = clean_word(distinct, self.text) if self.task == "tag" else distinct
        table[1:] = character_ids(cleaned).numpy()
        for word, characters in ((START, SENTENCE_START), (END, SENTENCE_END)):
            if word in self.numbers:
                table[self.numbers[word]] = characters
        return table


def reads_characters(recipe: Recipe) -> bool:
    """Whether the model computes anything from the characters of words, or may do so."""
    if isinstance(recipe.model, Ensemble):
        return recipe.text.tokenizer.kind == "word"  # what its members read is theirs to say
    if isinstance(recipe.model, Elmo):
        return True
    embedding = recipe.embedding
    if embedding is None:
        return False
    computed = embedding.elmo is not None and embedding.elmo.mode != "cached"
    return embedding.characters is not None or computed


def tokens(texts: tf.Tensor, settings: Text, whole: bool) -> tf.RaggedTensor:
    """The words that the word tokenizer's ids stand for: (B,) string -> ragged (B, None) string.

    Args: whole, whether the texts are documents, which are not cut and have boundaries.
    """
    found = words(clean(texts, settings), settings)
    if not whole:
        return found[:, : settings.max_length]
    rows = [found.nrows(), 1]
    return tf.concat([tf.fill(rows, START), found, tf.fill(rows, END)], axis=1)
