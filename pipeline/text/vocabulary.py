"""The vocabulary of a tokenizer: learned from word counts, or read from the file a recipe names."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import sentencepiece
import tensorflow as tf

import configs.data
from configs.data import (
    CharacterTokenizer,
    SentencePieceTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)
from pipeline import vectors
from pipeline.errors import JobError
from pipeline.huggingface import vocabulary as huggingface
from pipeline.text import earlier_words, subwords
from pipeline.text.counts import by_frequency, of_characters
from pipeline.text.special import PAD, SPECIAL, UNKNOWN


@dataclass(frozen=True)
class Vocabulary:
    """The spelling of each id; and the SentencePiece model, if that is where they come from."""

    tokens: list[str]
    unknown_id: int
    model: bytes | None = None

    def id_of(self, spellings: Iterable[str]) -> int | None:
        """Of the first of these tokens that there is."""
        return next((self.tokens.index(s) for s in spellings if s in self.tokens), None)


def from_tokens(tokens: list[str]) -> Vocabulary:
    return Vocabulary(tokens, tokens.index(SPECIAL[UNKNOWN]))


def from_model(model: bytes) -> Vocabulary:
    """The ids of a model move up by one if its padding is not its id 0."""
    trained = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [trained.id_to_piece(i) for i in range(trained.get_piece_size())]
    before = [] if trained.pad_id() == PAD else [SPECIAL[PAD]]
    return Vocabulary(before + pieces, trained.unk_id() + len(before), model)


def learn(counts: Mapping[str, int], tokenizer: configs.data.Tokenizer) -> Vocabulary:
    """Learn a vocabulary; the order of the counts never matters.

    Args:
        counts: how often each word stands in the training texts, the words cut by
            `splitting.words`.

    Raises:
        JobError: there are no words, all are too rare, or `size` is too small for their characters.
    """
    if not counts:
        raise JobError("no words to learn a vocabulary from: are all training texts empty?")
    match tokenizer:
        case WordTokenizer(size=size, min_count=min_count, vectors=path, vectors_size=number):
            learned = _most_frequent(counts, size, min_count)
            if path is not None:
                learned = from_tokens(_joined(learned.tokens, vectors.words(Path(path), number)))
        case CharacterTokenizer(size=size, min_count=min_count):
            spaces = {" ": sum(counts.values())}  # one after each word
            learned = _most_frequent({**of_characters(counts), **spaces}, size, min_count)
        case WordPieceTokenizer(size=size, min_count=min_count):
            learned = from_tokens(subwords.learn_wordpiece(counts, size, min_count))
        case SentencePieceTokenizer(algorithm=algorithm, size=size, character_coverage=coverage):
            model = subwords.learn_sentencepiece(counts, algorithm, size, coverage)
            learned = from_model(model)
        case _ as never:
            assert_never(never)
    if len(learned.tokens) == len(SPECIAL):
        raise JobError(
            f"all {len(counts)} words are rarer than text.tokenizer.min_count: set a smaller one"
        )
    return learned


def ready(tokenizer: configs.data.Tokenizer) -> Vocabulary | None:
    """Read the ready-made vocabulary; None if the settings name none, so that it is to be learned.

    Raises:
        JobError: the file cannot be read or is no vocabulary.
    """
    match tokenizer:
        case WordTokenizer(vocabulary=str(path)):
            return from_tokens(earlier_words.read(earlier_words.find(path)))
        case WordPieceTokenizer(vocabulary=str()):
            path = str(earlier_words.named(tokenizer))
            return from_tokens(_checked_tokens(_read(path), path))
        case SentencePieceTokenizer(model=str()):
            path = str(earlier_words.named(tokenizer))
            try:
                return from_model(_read(path))
            except RuntimeError as error:
                raise JobError(f"{path} is not a SentencePiece model: {error}") from error
        case _:
            return None


def _most_frequent(counts: Mapping[str, int], size: int, min_count: int) -> Vocabulary:
    words = [w for w in by_frequency(counts) if counts[w] >= min_count and w not in SPECIAL]
    return from_tokens([*SPECIAL, *words][:size])


def _joined(tokens: list[str], words: list[str]) -> list[str]:
    """The tokens, then those of the words that are new, each once, in their order."""
    return list(dict.fromkeys([*tokens, *words]))


def _read(path: str) -> bytes:
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return file.read()
    except tf.errors.OpError as error:
        raise JobError(f"cannot read the vocabulary {path}: {error.message}") from error


def _checked_tokens(content: bytes, path: str) -> list[str]:
    tokens = huggingface.tokens(content, path)
    if tokens[0] != "[PAD]":
        raise JobError(f"{path}:1: the first token must be [PAD], which pads; got {tokens[0]!r}")
    if "[UNK]" not in tokens:
        raise JobError(f"{path}: no [UNK] among its {len(tokens)} tokens; add a line for it")
    if repeated := [token for token, n in Counter(tokens).items() if n > 1]:
        raise JobError(f"{path}: each token must stand there once; got {repeated[0]!r} again")
    return tokens
