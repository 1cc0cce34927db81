"""The tokens of a Hugging Face folder: of vocab.txt, or of tokenizer.json where that is missing.

`transformers` has written the second alone since its version 5.
"""

from pathlib import Path
from typing import Any

from pipeline.errors import JobError
from pipeline.huggingface import folders

LINES, TOKENIZER = "vocab.txt", "tokenizer.json"


def find(folder: Path) -> Path | None:
    """The file that holds the tokens, or None if there is none."""
    files = (folder / name for name in (LINES, TOKENIZER))
    return next((file for file in files if file.is_file()), None)


def read(file: Path) -> list[str]:
    """The tokens of a file that `find` found, in the order of their ids."""
    return tokens(file.read_bytes(), str(file))


def tokens(content: bytes, path: str) -> list[str]:
    """The same from the file's content.

    Raises:
        JobError: the file holds no WordPiece vocabulary, or ids that do not count from 0.
    """
    if not path.endswith(".json"):
        lines = content.decode(errors="replace").removesuffix("\n").split("\n")
        return [line.removesuffix("\r") for line in lines]
    said = folders.parsed(content, path)
    model, added = said.get("model"), said.get("added_tokens") or []
    model = model if isinstance(model, dict) else {}
    # The first versions wrote no type.
    kind = model.get("type", "WordPiece" if "continuing_subword_prefix" in model else None)
    if kind != "WordPiece":
        raise JobError(f"{path}: textmill reads a model of type 'WordPiece', got {kind!r}")
    try:
        ids = {**model["vocab"], **{each["content"]: each["id"] for each in added}}
        found = sorted(ids, key=lambda token: ids[token])
    except (KeyError, TypeError) as error:
        raise JobError(f"{path} does not say the ids of its tokens: {error}") from error
    if [ids[token] for token in found] != list(range(len(found))):
        raise JobError(f"{path}: the ids of its {len(found)} tokens do not count from 0")
    return found


def tokenizer(folder: Path) -> dict[str, Any]:
    """What tokenizer.json says, if it is there."""
    return folders.read_if_there(folder / TOKENIZER)
