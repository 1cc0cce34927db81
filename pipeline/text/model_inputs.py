"""What a model reads, made of raw texts in TensorFlow ops: the same wherever a model is asked."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from pipeline.text.characters import LONGEST, character_ids
from pipeline.text.wrapping import wrapped, wrapped_words, wrapping

SECOND = "second_"  # begins the names of what is read of a pair's second text
SEQUENCE = ("ids", "types", "starts")  # of one between [CLS] and [SEP], the last of a tagger's


class ModelInputs(tf.Module):
    """The tensors that a model reads, by their names, of texts.

    `ids` (B, T) int32 and, where the model reads it, `characters` (B, T, LONGEST) int32, the
    spelling of the same tokens; of a pair's second texts the same names after `second_`; of words
    to tag, where they are not the tokens, `starts` (B, W) int32, the place of each word's first
    token, counted from 1. Where the model reads `types` (B, T) int32, `ids` are sequences as of
    `pipeline.text.wrapping`, a pair one of them. Padding is 0. B, T and W may be 0.

    Args: tokenizer, of `pipeline.text.tokenizers`; names, of the model's inputs; pair, whether
        there are second texts, which names tell only if these are read by themselves.

    Raises:
        JobError: the model reads sequences, and the vocabulary has no [CLS] or no [SEP].
    """

    def __init__(self, tokenizer: Any, names: Iterable[str], pair: bool = False) -> None:
        super().__init__(name="inputs")
        self.tokenizer, self.names = tokenizer, frozenset(names)
        self.pair = pair or f"{SECOND}ids" in self.names
        self.wrapping = wrapping(tokenizer) if "types" in self.names else None

    @property
    def texts(self) -> tuple[str, ...]:
        """What raw texts the model asks for: `text`, and of a pair `second`."""
        return ("text", "second") if self.pair else ("text",)

    @property
    def ids_alone(self) -> bool:
        """Whether ids, and which text they are of, are all that the model reads."""
        return self.names <= {"ids", f"{SECOND}ids", "types"}

    def of_texts(self, text: tf.Tensor, second: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """(B,) string, and of a pair also its second texts."""
        if self.wrapping is not None:
            columns = [text] if second is None else [text, second]
            ids, types = wrapped(self.wrapping, *map(self.tokenizer.ids, columns))
            return {"ids": ids.to_tensor(0), "types": types.to_tensor(0)}
        if second is None:
            return self._of_texts(text, "")
        return {**self._of_texts(text, ""), **self._of_texts(second, SECOND)}

    def of_words(self, words: tf.RaggedTensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Ragged (B, None) string -> what a tagger reads, and (B,) int64, of how many words."""
        if self.wrapping is not None:
            pieces = self.tokenizer.all_ids_of_words(words)
            made = dict(zip(SEQUENCE, wrapped_words(self.wrapping, pieces), strict=True))
            return {n: x.to_tensor(0) for n, x in made.items()}, made["starts"].row_lengths()
        ids, starts = self.tokenizer.ids_of_words(words)
        inputs = {"ids": ids.to_tensor(0)}
        if "starts" in self.names:
            inputs["starts"] = starts.to_tensor(0)
        if "characters" in self.names:  # of the word tokenizer, whose tokens are the words
            kept = self.tokenizer.clean_words(words)[:, : self.tokenizer.settings.max_length]
            inputs["characters"] = _spelled(kept)
        return inputs, starts.row_lengths()

    def _of_texts(self, texts: tf.Tensor, prefix: str) -> dict[str, tf.Tensor]:
        inputs = {f"{prefix}ids": self.tokenizer.ids(texts).to_tensor(0)}
        if f"{prefix}characters" in self.names:
            inputs[f"{prefix}characters"] = _spelled(self.tokenizer.first_pieces(texts))
        return inputs


def _spelled(words: tf.RaggedTensor) -> tf.Tensor:
    return character_ids(words).to_tensor(0, shape=[None, None, LONGEST])
