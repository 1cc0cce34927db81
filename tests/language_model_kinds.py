"""A tiny ELMo and a few documents for it, without any files."""

import numpy as np

from components.characters import SENTENCE_END, SENTENCE_START
from configs.loading import parse
from pipeline import build, data

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]
RECIPE = """
name: tiny
data: {train: x}
task: {kind: language_model}
text: {tokenizer: {kind: word}}
model:
  kind: elmo
  characters: {width: 3, filters: [[1, 4], [2, 4]], projection: 5}
  units: 6
  layers: 2
  dropout: 0.0
  softmax: full
train: {batch_size: 4, window: 5, epochs: 2}
"""


def recipe(*settings):
    return parse(RECIPE, list(settings))


def model(*settings):
    return build.build_model(recipe(*settings), WORDS, 1)


def documents(*lengths, seed=0):
    """A split of documents of so many words each, within their boundary tokens."""
    random = np.random.default_rng(seed)
    texts = [[2, *random.integers(5, len(WORDS), length).tolist(), 3] for length in lengths]
    offsets = np.cumsum([0, *map(len, texts)])
    ids = np.concatenate(texts).astype(np.int32)
    spelled = np.zeros((len(WORDS), 50), np.int32)
    spelled[2], spelled[3] = SENTENCE_START, SENTENCE_END
    for token in range(5, len(WORDS)):
        spelled[token] = [259, ord(WORDS[token]) + 1, 260, *[261] * 47]
    inputs = {
        "ids": data.Sequences(ids, offsets),
        "characters": data.Sequences(ids, offsets, spelled),
    }
    number = len(texts)
    return data.Split(inputs, None, ["x"] * number, {}, np.ones(number, np.float32))
