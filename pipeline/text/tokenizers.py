"""Raw texts to token ids: one object for Beam, tf.data, the SavedModel and the client."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import assert_never

import tensorflow as tf

from configs.data import (
    CharacterTokenizer,
    SentencePieceTokenizer,
    Text,
    WordPieceTokenizer,
    WordTokenizer,
)
from pipeline.errors import JobError
from pipeline.text.cleaning import clean, clean_plain, plain
from pipeline.text.earlier_words import MODEL, SETTINGS, VOCABULARY
from pipeline.text.encoders import SentencePiece, Table, WordPiece
from pipeline.text.first_tokens import first_tokens
from pipeline.text.given_words import clean_word, cut
from pipeline.text.joining import joined
from pipeline.text.spans import spans
from pipeline.text.special import ENDS, MASKS, PAD, STARTS
from pipeline.text.splitting import split_characters, split_whitespace, split_words
from pipeline.text.token_places import token_places
from pipeline.text.vocabulary import Vocabulary, from_model, from_tokens

_TEXTS = [tf.TensorSpec([None], tf.string)]
_WORDS = [tf.RaggedTensorSpec([None, None], tf.string, ragged_rank=1)]


class Tokenizer(tf.Module):
    """Cleans texts, cuts them into tokens and looks these up.

    A text has the same ids alone and in a batch. No text, whatever it says, has the id of a special
    token other than the unknown one. The methods of texts and of words are `tf.function`s, and go
    into a SavedModel.

    Args:
        settings: how to clean and cut.
        vocabulary: from `pipeline.text.vocabulary`.

    Attributes: pad_id, unknown_id; start_id, end_id, mask_id, of [CLS], [SEP] and [MASK] or None;
        vocabulary_size, vocabulary (the spelling of each id).
    """

    def __init__(self, settings: Text, vocabulary: Vocabulary) -> None:
        super().__init__(name="tokenizer")
        self.settings = settings
        # Inside an object of its own: TensorFlow would walk through a list each time it saves.
        self._vocabulary = vocabulary
        self._encoder = _encoder(settings, vocabulary)
        self.pad_id, self.unknown_id = PAD, vocabulary.unknown_id
        self.start_id, self.end_id = vocabulary.id_of(STARTS), vocabulary.id_of(ENDS)
        self.mask_id = vocabulary.id_of(MASKS)
        self.vocabulary_size = len(vocabulary.tokens)

    @property
    def vocabulary(self) -> list[str]:
        return self._vocabulary.tokens

    @property
    def unwritten(self) -> set[int]:
        """Ids that a text is never written with, of [PAD], [CLS] and [MASK]."""
        ids = self.pad_id, self.start_id, self.mask_id
        return {token for token in ids if token is not None}

    def without_html(self) -> "Tokenizer":
        """The same for texts that HTML was taken out of already: doing it twice might do more."""
        if not self.settings.html:
            return self
        return Tokenizer(self.settings.model_copy(update={"html": False}), self._vocabulary)

    @tf.function(input_signature=_TEXTS)
    def clean(self, texts: tf.Tensor) -> tf.Tensor:
        """Clean raw texts: (B,) string -> (B,) string."""
        return clean(texts, self.settings)

    @tf.function(input_signature=_TEXTS)
    def pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """The tokens of raw texts, all of them: (B,) string -> ragged (B, None) string."""
        return self._encoder.pieces(clean(texts, self.settings))

    @tf.function(input_signature=_TEXTS)
    def all_ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """The ids of `pieces`: (B,) string -> ragged (B, None) int32."""
        return self._encoder.ids(clean(texts, self.settings))

    @tf.function(input_signature=_TEXTS)
    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """`all_ids`, cut to the settings' `max_length`."""
        return self._first(texts, self._encoder.ids)

    @tf.function(input_signature=_TEXTS)
    def words(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """The words of raw texts, and where each begins and ends, see `pipeline.text.spans`."""
        return spans(texts, self.settings)

    @tf.function(input_signature=_TEXTS, autograph=False)
    def places(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """The ids of raw texts, and where each stands, see `pipeline.text.token_places`."""
        return token_places(texts, self.settings, self._encoder)

    @tf.function(input_signature=_WORDS)
    def clean_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Clean words, each by itself: ragged (B, None) string -> the same; some may be empty."""
        return tf.ragged.map_flat_values(clean_word, words, self.settings)

    @tf.function(input_signature=_WORDS)
    def all_ids_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Ids of words that are given: ragged (B, None) string -> ragged (B, None, None) int32.

        To the word tokenizer each word is one token; to others it has one token at least.
        """
        cleaned = self.clean_words(words)
        if isinstance(self._encoder, Table) and self._encoder.whole_words:
            ids = self._encoder.lookup(cleaned.values)[:, None]
            return cleaned.with_values(tf.RaggedTensor.from_tensor(ids))
        ids = self._encoder.ids(cleaned.values)
        none = tf.cast(ids.row_lengths() == 0, tf.int64)
        unknown = tf.repeat(self.unknown_id, tf.reduce_sum(none))
        return cleaned.with_values(
            tf.concat([ids, tf.RaggedTensor.from_row_lengths(unknown, none)], axis=1)
        )

    @tf.function(input_signature=_WORDS)
    def ids_of_words(self, words: tf.RaggedTensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """The ids of as many whole words as fit into `max_length`: two ragged (B, None) int32.

        A word that is longer than `max_length` is cut.

        Returns:
            ids; starts, for each of these words its first token's place in ids, counted from 1.
        """
        return cut(self.all_ids_of_words(words), self.settings.max_length)

    def first_pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """`pieces`, cut to the settings' `max_length`."""
        return self._first(texts, self._encoder.pieces)

    def _first(
        self, texts: tf.Tensor, cut: Callable[[tf.Tensor], tf.RaggedTensor]
    ) -> tf.RaggedTensor:
        settings, most = self.settings, self.settings.max_length
        if isinstance(self._encoder, SentencePiece) and not self._encoder.by_word:
            return cut(clean(texts, settings))[:, :most]  # a piece may go on behind a space
        texts = plain(texts, settings)
        return first_tokens(texts, most, lambda begun: cut(clean_plain(begun, settings)))

    def texts_of(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Texts that ids stand for, see `pipeline.text.detokenizing`: ragged (B, None) -> (B,)."""
        return self._encoder.texts(ids)

    def text_of(self, ids: Iterable[int]) -> str:
        """A text that the ids stand for, in Python."""
        tokens = [self.vocabulary[token] for token in ids]
        return joined(tokens, self.settings.tokenizer, self._vocabulary.model)

    def save(self, directory: Path) -> None:
        """Write what `load` reads."""
        directory.mkdir(parents=True, exist_ok=True)
        settings = self.settings.model_dump_json(indent=1) + "\n"
        (directory / SETTINGS).write_text(settings, encoding="utf-8")
        if self._vocabulary.model is not None:
            (directory / MODEL).write_bytes(self._vocabulary.model)
        else:
            lines = "".join(f"{token}\n" for token in self.vocabulary)
            (directory / VOCABULARY).write_bytes(lines.encode())


def load(directory: Path) -> Tokenizer:
    """Read a tokenizer that was saved.

    Raises:
        JobError: the directory does not hold one.
    """
    try:
        settings = Text.model_validate_json((directory / SETTINGS).read_bytes())
        if isinstance(settings.tokenizer, SentencePieceTokenizer):
            return Tokenizer(settings, from_model((directory / MODEL).read_bytes()))
        lines = (directory / VOCABULARY).read_bytes().decode()
    except FileNotFoundError as error:
        raise JobError(f"{directory} holds no tokenizer: {error.filename} is missing") from error
    return Tokenizer(settings, from_tokens(lines.removesuffix("\n").split("\n")))


def _encoder(settings: Text, vocabulary: Vocabulary) -> Table | WordPiece | SentencePiece:
    match settings.tokenizer:
        case WordTokenizer(split=split, fold=fold):
            cut_at = split_words if split == "words" else split_whitespace
            return Table(vocabulary, cut_at, whole_words=True, fold=fold)
        case CharacterTokenizer():
            return Table(vocabulary, split_characters, whole_words=False)
        case WordPieceTokenizer():
            return WordPiece(vocabulary)
        case SentencePieceTokenizer(model=path):
            return SentencePiece(vocabulary, by_word=path is None)
        case _ as never:
            assert_never(never)
