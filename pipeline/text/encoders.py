"""From cleaned texts to tokens and ids, one class for each way.

`pieces`: (B,) string -> ragged (B, None) string, and `ids`: (B,) string -> ragged (B, None) int32.
`texts`: ragged (B, None) int32 -> (B,) string, tokens joined again.
`offsets`: (N,) string of single words -> ids, begins, ends: ragged (N, None) int32, where in a
word's bytes each of its tokens stands; `single_words`, of `splitting`, cuts these out of texts.
"""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_text as tf_text

from pipeline.text.special import SPECIAL, UNKNOWN
from pipeline.text.splitting import split_runs, split_whitespace
from pipeline.text.vocabulary import Vocabulary

# BERT takes a word of more than 100 characters for unknown; a character has 4 bytes at most.
_LONGEST_WORD = 400

Offsets = tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]


class Table(tf.Module):
    """Tokens as they stand in the text, looked up in a table without the special ones.

    Args:
        whole_words: whether a word that is given is one token.
        fold: whether a token that is not in the table is looked up in lower case.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        split: Callable[[tf.Tensor], tf.RaggedTensor],
        whole_words: bool,
        fold: bool = False,
    ) -> None:
        super().__init__()
        self.pieces, self.whole_words, self.fold = split, whole_words, fold
        self.spellings = tf.constant(vocabulary.tokens)
        words = tf.constant(vocabulary.tokens[len(SPECIAL) :], tf.string)
        ids = tf.range(len(SPECIAL), len(vocabulary.tokens), dtype=tf.int32)
        pairs = tf.lookup.KeyValueTensorInitializer(words, ids)
        self.table = tf.lookup.StaticHashTable(pairs, default_value=UNKNOWN)

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return tf.ragged.map_flat_values(self.lookup, self.pieces(texts))

    single_words = staticmethod(split_whitespace)

    def offsets(self, words: tf.Tensor) -> Offsets:
        pieces = self.pieces(words)
        sizes = tf.strings.length(pieces.values)
        ends = tf.cumsum(sizes)  # over all words, of which nothing but whitespace goes
        starts = tf.gather(pieces.row_starts(), pieces.value_rowids())
        before = tf.gather(tf.concat([[0], ends], 0), starts)
        ids = pieces.with_values(self.lookup(pieces.values))
        return ids, pieces.with_values(ends - sizes - before), pieces.with_values(ends - before)

    def texts(self, ids: tf.RaggedTensor) -> tf.Tensor:
        spelled = tf.gather(self.spellings, ids)
        return tf.strings.reduce_join(spelled, axis=1, separator=" " if self.whole_words else "")

    def lookup(self, tokens: tf.Tensor) -> tf.Tensor:
        """(N,) string -> (N,) int32."""
        ids = self.table.lookup(tokens)
        if not self.fold:
            return ids
        folded = self.table.lookup(tf.strings.lower(tokens, encoding="utf-8"))
        return tf.where(ids == UNKNOWN, folded, ids)


class WordPiece(tf.Module):
    """Longest match first within each word, https://arxiv.org/abs/2012.15524."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.spellings = tf.constant(vocabulary.tokens)
        self.tokenizer = tf_text.FastWordpieceTokenizer(
            vocabulary.tokens, max_bytes_per_word=_LONGEST_WORD, token_out_type=tf.int32
        )

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return self.tokenizer.tokenize(texts)

    single_words = staticmethod(split_whitespace)

    def offsets(self, words: tf.Tensor) -> Offsets:
        ids, begins, ends = self.tokenizer.tokenize_with_offsets(words)
        return ids, tf.cast(begins, tf.int32), tf.cast(ends, tf.int32)

    def pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return tf.gather(self.spellings, self.ids(texts))

    def texts(self, ids: tf.RaggedTensor) -> tf.Tensor:
        spelled = tf.gather(self.spellings, ids)
        spaced = tf.strings.reduce_join(spelled, axis=1, separator=" ")
        return tf.strings.regex_replace(spaced, " ##", "")


class SentencePiece(tf.Module):
    """The pieces of a SentencePiece model.

    Args:
        by_word: encode each different word once. Models learned here have no piece across words, so
            that is the same and two to three times as fast.
    """

    def __init__(self, vocabulary: Vocabulary, by_word: bool) -> None:
        super().__init__()
        self.by_word = by_word
        self.spellings = tf.constant(vocabulary.tokens)
        self.tokenizer = tf_text.SentencepieceTokenizer(vocabulary.model, out_type=tf.int32)
        self.offset = len(vocabulary.tokens) - int(self.tokenizer.vocab_size())

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        words = split_runs(texts)
        if not self.by_word:
            parted = words.row_lengths() > split_whitespace(texts).row_lengths()
            joined = tf.strings.reduce_join(words, axis=1, separator=" ")
            return self.tokenizer.tokenize(tf.where(parted, joined, texts)) + self.offset
        different, places = tf.unique(words.flat_values)
        ids = words.with_flat_values(tf.gather(self.tokenizer.tokenize(different), places))
        return ids.merge_dims(1, 2) + self.offset

    single_words = staticmethod(split_runs)

    def offsets(self, words: tf.Tensor) -> Offsets:
        ids, begins, ends = self.tokenizer.tokenize_with_offsets(words)
        return ids + self.offset, tf.cast(begins, tf.int32), tf.cast(ends, tf.int32)

    def pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        return tf.gather(self.spellings, self.ids(texts))

    def texts(self, ids: tf.RaggedTensor) -> tf.Tensor:
        return self.tokenizer.detokenize(ids - self.offset)
