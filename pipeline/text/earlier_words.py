"""The words of an earlier vocabulary, for a tokenizer that learns none of its own."""

from pathlib import Path

from configs.data import Text, WordTokenizer
from configs.loading import RecipeError
from pipeline import finding_runs

SETTINGS, VOCABULARY = "settings.json", "vocabulary.txt"  # in a tokenizer's folder


def find(path: str) -> Path:
    """The file of words in a run, an export, prepared data, or in the tokenizer's folder of these.

    Raises:
        JobError: there is no such run.
    """
    for folder in (Path(path), Path(path, "tokenizer")):
        if (folder / SETTINGS).is_file():
            return folder / VOCABULARY
    return finding_runs.prepared(finding_runs.find(path)) / "tokenizer" / VOCABULARY


def fitting(text: Text) -> Path | None:
    """The file that `text.tokenizer.vocabulary` names, or None if it names none.

    Raises:
        JobError: there is no such run.
        RecipeError: its words are spelled in another way.
    """
    if not isinstance(text.tokenizer, WordTokenizer) or text.tokenizer.vocabulary is None:
        return None
    file = find(text.tokenizer.vocabulary)
    earlier = Text.model_validate_json((file.parent / SETTINGS).read_bytes())
    ours, theirs = _spelling(text), _spelling(earlier)
    if differ := [key for key in ours if ours[key] != theirs[key]]:
        values = ", ".join(f"{key} is {ours[key]!r}, there {theirs[key]!r}" for key in differ)
        raise RecipeError(
            f"text.tokenizer.vocabulary: the words in {file} are spelled in another way: {values}"
        )
    return file


def read(file: Path) -> list[str]:
    return file.read_bytes().decode().removesuffix("\n").split("\n")


def _spelling(text: Text) -> dict[str, object]:
    """The settings that decide how a word is spelled; others decide which words a text has."""
    return {
        "text.tokenizer.kind": text.tokenizer.kind,
        "text.tokenizer.split": getattr(text.tokenizer, "split", None),
        "text.unicode": text.unicode,
        "text.lower": text.lower,
    }
