"""The tokens of a Hugging Face folder: of vocab.txt, or of tokenizer.json where that is missing.

`transformers` has written the second alone since its version 5.
"""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import JobError

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
    said = _tokenizer(content, path)
    model = said.get("model", {})
    if model.get("type") != "WordPiece":
        raise JobError(
            f"{path}: textmill reads a model of type 'WordPiece', got {model.get('type')!r}"
        )
    ids = {**model["vocab"], **{added["content"]: added["id"] for added in said["added_tokens"]}}
    found = sorted(ids, key=lambda token: ids[token])
    if [ids[token] for token in found] != list(range(len(found))):
        raise JobError(f"{path}: the ids of its {len(found)} tokens do not count from 0")
    return found


def normalizer(folder: Path) -> dict[str, Any]:
    """How texts are cleaned there, as far as tokenizer.json says it of a BERT."""
    file = folder / TOKENIZER
    said = _tokenizer(file.read_bytes(), str(file)) if file.is_file() else {}
    found = said.get("normalizer") or {}
    return found if found.get("type") == "BertNormalizer" else {}


def _tokenizer(content: bytes, path: str) -> dict[str, Any]:
    try:
        return json.loads(content)
    except ValueError as error:
        raise JobError(f"{path} is no JSON: {error}") from error
