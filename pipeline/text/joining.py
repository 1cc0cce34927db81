"""Tokens back to a text: what splitting, cleaning and looking up have lost stays lost."""

from collections.abc import Iterable, Sequence
from typing import assert_never

import sentencepiece

from configs.data import (
    CharacterTokenizer,
    SentencePieceTokenizer,
    Tokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)

# As English prints them: no space before these, none after those, and none around the third.
_CLOSING = {*",.;:!?%)]}…\N{RIGHT SINGLE QUOTATION MARK}”»", "..."}
_OPENING = {*"$£([{«“\N{LEFT SINGLE QUOTATION MARK}"}
_JOINING = {*"-/\N{EN DASH}—"}
_APOSTROPHES = ("'", "\N{RIGHT SINGLE QUOTATION MARK}")
_SHORTENED = {"s", "t", "m", "d", "re", "ve", "ll"}
_CONTINUES = "##"  # begins a WordPiece that does not begin a word


def joined(tokens: Sequence[str], tokenizer: Tokenizer, model: bytes | None) -> str:
    """The text that tokens spell. Args: model, of SentencePiece, if the tokens are its."""
    match tokenizer:
        case WordTokenizer():
            return of_words(tokens)
        case CharacterTokenizer():
            return "".join(tokens)
        case WordPieceTokenizer():
            return of_words(_whole(tokens))
        case SentencePieceTokenizer():
            # Not by hand: a model may spell rare characters in bytes.
            return sentencepiece.SentencePieceProcessor(model_proto=model).decode(list(tokens))
        case _ as never:
            assert_never(never)


def of_words(words: Iterable[str]) -> str:
    """Words with spaces between them, save where punctuation has none.

    A straight quotation mark opens, closes, opens. What the Penn Treebank cuts off a word, n't and
    what begins with an apostrophe, goes back to it.
    """
    text, quoted, attached = "", False, True
    for word in words:
        closes_quote = word == '"' and quoted
        cut_off = word == "n't" or (len(word) > 1 and word.startswith(_APOSTROPHES))
        if not (attached or closes_quote or cut_off or word in _CLOSING or word in _JOINING):
            text += " "
        text += word
        quoted ^= word == '"'
        attached = word in _OPENING or word in _JOINING or (word == '"' and quoted)
    return text


def _whole(pieces: Sequence[str]) -> list[str]:
    """The words of WordPieces; BERT cuts it's into three, which is one again."""
    words: list[str] = []
    for piece in pieces:
        if piece.startswith(_CONTINUES) and words:
            words[-1] += piece.removeprefix(_CONTINUES)
        elif piece in _SHORTENED and len(words) > 1 and words[-1] in _APOSTROPHES:
            words[-2:] = [words[-2] + words[-1] + piece]
        else:
            words.append(piece)
    return words
