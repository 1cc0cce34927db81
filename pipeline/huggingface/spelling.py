"""How words are spelled in a Hugging Face folder: as `transformers` does it, or why not here.

What it does was seen in its version 5.23.0. Its BertTokenizer takes from tokenizer.json the tokens
alone: how texts are cleaned stands in tokenizer_config.json, and is the default where that is
silent. Classes without a cleaning of their own do what tokenizer.json says.
"""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from pipeline.errors import JobError
from pipeline.huggingface import folders, vocabulary
from pipeline.text.special import ENDS, MASKS, SPECIAL, STARTS

# Without "Fast" behind them.
_OF_BERT = ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer")
_AS_WRITTEN = ("PreTrainedTokenizer", "TokenizersBackend")
_CLEANING = {"type": "BertNormalizer", "clean_text": True}
_MODEL = {"unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
_ADDED, _SPECIAL = "added_tokens.json", "special_tokens_map.json"
_EXTRA = ("additional_special_tokens", "extra_special_tokens", "added_tokens_decoder")
# Those that frame a text here too; written in a text they are words here, so that no text steers.
_FRAMES = {*SPECIAL, *STARTS, *ENDS, *MASKS}


def read(folder: Path) -> dict[str, bool] | None:
    """The settings in `text` that decide how its words are spelled; None of a vocabulary alone.

    Raises:
        JobError: there a text has other tokens than it can have here.
    """
    config = folders.read(folder / folders.CONFIG) if folders.is_folder(folder) else {}
    path = folder / folders.TOKENIZER_CONFIG
    said = folders.read_if_there(path)
    ready = vocabulary.tokenizer(folder)
    if not (config or said or ready):
        return None
    _check_added(folder, said, ready)
    _check_tokens(folder, ready)
    usual = "BertTokenizer" if config or said else "TokenizersBackend"
    kind = str(said.get("tokenizer_class") or config.get("tokenizer_class") or usual)
    if kind.removesuffix("Fast") in _AS_WRITTEN:
        path = folder / vocabulary.TOKENIZER
        return _cleaning(_written(path, ready), "lowercase", "handle_chinese_chars", path)
    if kind.removesuffix("Fast") not in _OF_BERT:
        raise JobError(f"{path}: textmill reads the words of a BertTokenizer, got {kind!r}")
    return _cleaning(said, "do_lower_case", "tokenize_chinese_chars", path)


def _cleaning(said: dict[str, Any], lower: str, han: str, path: Path) -> dict[str, bool]:
    """Args: lower, han, the names of these settings; path, of the file that says them.

    Raises:
        JobError: they are no flags, or ideographs are no words.
    """
    if not folders.flag(said, han, True, path):
        raise JobError(
            f"{path}: ideographs are parts of words there ({han} is false), but each is a word of"
            " its own here: if your texts have none, say true"
        )
    lowers = bool(folders.flag(said, lower, True, path))
    accents = folders.flag(said, "strip_accents", None, path)
    # They go with capitals, if nothing else is said.
    return {"lower": lowers, "strip_accents": lowers if accents is None else accents}


def _written(path: Path, ready: dict[str, Any]) -> dict[str, Any]:
    """How tokenizer.json cleans.

    Raises:
        JobError: not as BERT.
    """
    wanted: dict[str, dict[str, Any]] = {
        "normalizer": _CLEANING,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": _MODEL,
    }
    for part, settings in wanted.items():
        found = ready.get(part)
        for name, value in settings.items():
            if (got := found.get(name) if isinstance(found, dict) else found) != value:
                raise JobError(f"{path}: textmill reads {part}.{name} {value!r}, got {got!r}")
    return ready["normalizer"]


def _check_tokens(folder: Path, ready: dict[str, Any]) -> None:
    """
    Raises:
        JobError: vocab.txt is of another model than tokenizer.json.
    """
    lines, path = folder / vocabulary.LINES, folder / vocabulary.TOKENIZER
    if not (ready and lines.is_file()):
        return
    pairs = zip_longest(vocabulary.read(lines), vocabulary.read(path))
    for number, (here, there) in enumerate(pairs, 1):
        if here != there:
            raise JobError(
                f"{lines}:{number}: {here!r} is {there!r} in {path.name}, which transformers reads:"
                " take away the one that does not belong to the weights"
            )


def _check_added(folder: Path, said: dict[str, Any], ready: dict[str, Any]) -> None:
    """
    Raises:
        JobError: there are tokens that are found in a text before it is cut into words.
    """
    by_file = {
        _ADDED: iter(folders.read_if_there(folder / _ADDED)),
        _SPECIAL: _special(folders.read_if_there(folder / _SPECIAL)),
        folders.TOKENIZER_CONFIG: _special(said),
        vocabulary.TOKENIZER: _contents(ready.get("added_tokens")),
    }
    for name, tokens in by_file.items():
        if more := [token for token in tokens if token not in _FRAMES]:
            shown = ", ".join(map(repr, more[:3])) + ", ..." * (len(more) > 3)
            raise JobError(
                f"{folder / name}: {shown} are tokens wherever they stand in a text there, but"
                " words like others here: if your texts have none of them, take them out"
            )


def _special(said: dict[str, Any]) -> Iterator[str]:
    """The special and added tokens that a file of settings names."""
    yield from _contents([value for name, value in said.items() if name.endswith("_token")])
    for name in _EXTRA:
        yield from _contents(said.get(name))


def _contents(tokens: Any) -> Iterator[str]:
    """Tokens of a list, or of a mapping to them, each a string or one with settings."""
    values = tokens.values() if isinstance(tokens, dict) else tokens
    for value in values if isinstance(values, Iterable) else ():
        token = value.get("content") if isinstance(value, dict) else value
        if isinstance(token, str):
            yield token
