"""Which tokens go on with the word before them, told by their spelling."""

from collections.abc import Sequence
from typing import assert_never

import numpy as np

from configs.data import (
    CharacterTokenizer,
    SentencePieceTokenizer,
    Tokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)
from pipeline.text.special import SPECIAL


def continuing(tokenizer: Tokenizer, vocabulary: Sequence[str]) -> np.ndarray:
    """(V,) bool. To the character tokenizer a word begins with the space before it."""
    match tokenizer:
        case WordTokenizer():
            goes_on = [False] * len(vocabulary)
        case WordPieceTokenizer():
            goes_on = [token.startswith("##") for token in vocabulary]
        case SentencePieceTokenizer():
            goes_on = [not token.startswith("▁") for token in vocabulary]
        case CharacterTokenizer():
            goes_on = [token != " " for token in vocabulary]
        case _ as never:
            assert_never(never)
    special = np.isin(vocabulary, SPECIAL)
    return np.array(goes_on, bool) & ~special
