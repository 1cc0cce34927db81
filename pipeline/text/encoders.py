"""From cleaned texts to tokens and ids, one class for each way.

`pieces`: (B,) string -> ragged (B, None) string, and `ids`: (B,) string -> ragged (B, None) int32.
"""

from collections.abc import Callable

import sentencepiece
import tensorflow as tf
import tensorflow_text as tf_text

from pipeline.text.special import PAD, SPECIAL, UNKNOWN
from pipeline.text.splitting import split_whitespace

# BERT takes a word of more than 100 characters for unknown; a character has 4 bytes at most.
_LONGEST_WORD = 400


class Table(tf.Module):
    """Tokens as they stand in the text, looked up in a table without the special ones."""

    unknown_id = UNKNOWN

    def __init__(
        self, vocabulary: list[str], split: Callable[[tf.Tensor], tf.RaggedTensor]
    ) -> None:
        super().__init__()
        self.vocabulary, self.pieces = vocabulary, split
        words = tf.constant(vocabulary[len(SPECIAL) :], tf.string)
        ids = tf.range(len(SPECIAL), len(vocabulary), dtype=tf.int32)
        pairs = tf.lookup.KeyValueTensorInitializer(words, ids)
        self.table = tf.lookup.StaticHashTable(pairs, default_value=UNKNOWN)

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return tf.ragged.map_flat_values(self.table.lookup, self.pieces(texts))


class WordPiece(tf.Module):
    """Longest match first within each word, https://arxiv.org/abs/2012.15524."""

    def __init__(self, vocabulary: list[str]) -> None:
        super().__init__()
        self.vocabulary, self.unknown_id = vocabulary, vocabulary.index(SPECIAL[UNKNOWN])
        self.spellings = tf.constant(vocabulary)
        self.tokenizer = tf_text.FastWordpieceTokenizer(
            vocabulary, max_bytes_per_word=_LONGEST_WORD, token_out_type=tf.int32
        )

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return self.tokenizer.tokenize(texts)

    def pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return tf.gather(self.spellings, self.ids(texts))


class SentencePiece(tf.Module):
    """The ids of a SentencePiece model, which move up by one if its padding is not its id 0.

    Args:
        by_word: encode each different word once. Models learned here have no piece across words, so
            that is the same and two to three times as fast.
    """

    def __init__(self, model: bytes, by_word: bool) -> None:
        super().__init__()
        trained = sentencepiece.SentencePieceProcessor(model_proto=model)
        pieces = [trained.id_to_piece(i) for i in range(trained.get_piece_size())]
        self.offset = 0 if trained.pad_id() == PAD else 1
        self.vocabulary = [SPECIAL[PAD]] * self.offset + pieces
        self.unknown_id = trained.unk_id() + self.offset
        self.spellings = tf.constant(self.vocabulary)
        self.by_word = by_word
        self.tokenizer = tf_text.SentencepieceTokenizer(model, out_type=tf.int32)

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        if not self.by_word:
            return self.tokenizer.tokenize(texts) + self.offset
        words = split_whitespace(texts)
        different, places = tf.unique(words.flat_values)
        ids = words.with_flat_values(tf.gather(self.tokenizer.tokenize(different), places))
        return ids.merge_dims(1, 2)

    def pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return tf.gather(self.spellings, self.ids(texts))
